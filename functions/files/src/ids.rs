//! The identifiers that only this context knows.

::ids::ids! {
    /// A stored file.
    File => FileId, "file";
}

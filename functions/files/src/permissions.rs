//! Permissions of this context.

access::permissions! {
    feature Some(crate::declarations::FLAG.declaration().name);
    /// Read files; with reach `own`, only own uploads and files that a grant covers.
    FileRead = "files.file.read";
    /// Upload files.
    FileCreate = "files.file.create";
    /// Rename files, set their retention and add revisions.
    FileUpdate = "files.file.update", audited;
    /// Delete files.
    FileDelete = "files.file.delete", audited;
}

//! What can be permitted here.

access::permissions! {
    feature Some("files");
    /// Reads files; with reach `own` those that they uploaded, and whatever a grant opens.
    FileRead = "files.file.read";
    /// Uploads files.
    FileCreate = "files.file.create";
    /// Renames files, and says until when they must be kept.
    FileUpdate = "files.file.update";
    /// Deletes files.
    FileDelete = "files.file.delete";
}

//! What this context announces. Data are identifiers and plain words, never names of files or people.

events::kinds! {
    context "files";
    /// All bytes of a file have come; it is about to be checked. Data: `file_id`, `category`, `resource`, `owner` (kind and id).
    FILE_UPLOADED = "file.uploaded.v1";
    /// A file was checked. Data: `file_id`, `status` (`clean`, `infected`, `rejected`, `scan_failed`), `category`, `resource`.
    FILE_SCANNED = "file.scanned.v1";
    /// Something harmful was found in a file; nobody gets it. Data: `file_id`, `resource`, `owner` (kind and id).
    FILE_INFECTED = "file.infected.v1";
    /// A file was deleted. Data: `file_id`, `resource`.
    FILE_DELETED = "file.deleted.v1";
    /// Four fifths, or all but a twentieth, of a tenant's storage is used. Data: `percent`, `used_bytes`, `limit_bytes`.
    QUOTA_WARNING = "quota.warning.v1";
}

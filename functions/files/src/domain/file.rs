//! The status of a file, and the limits that apply to every file.

use chrono::TimeDelta;

web::text_enum! {
    /// The status of a file.
    pub enum FileStatus {
        /// The upload is not complete.
        Pending = "pending",
        /// The upload is complete and the file is being checked.
        Scanning = "scanning",
        /// The check passed and the file can be downloaded.
        Clean = "clean",
        /// Malware was found; the file cannot be downloaded.
        Infected = "infected",
        /// The check refused the file; `failure` gives the reason.
        Rejected = "rejected",
        /// The file could not be checked and cannot be downloaded; `failure` gives the reason. The check is repeated.
        ScanFailed = "scan_failed",
        /// The file is deleted.
        Deleted = "deleted",
    }
}

/// Short name inside this context. The schema is called `FileStatus` because other contexts have statuses too.
pub use FileStatus as Status;

/// The largest file in bytes: 5 GiB.
pub const MAX_FILE_SIZE: i64 = 5 << 30;

/// How long a signed upload URL of the object store accepts data.
pub const UPLOAD_URL_TTL: TimeDelta = TimeDelta::minutes(15);

/// How long the content of a deleted file is kept.
pub const DELETED_FILE_RETENTION: TimeDelta = TimeDelta::days(30);

/// The bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

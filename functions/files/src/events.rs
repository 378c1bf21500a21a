//! Events published by this context. Data holds identifiers and codes only, never names of files or people.

use chrono::{DateTime, Utc};
use db::TenantTx;
use serde_json::Value;
use web::{RequestInfo, problem::Result};

use crate::store::files::FileRow;

events::kinds! {
    context "files";
    /// An upload is complete and its file is being checked. Data: `file_id`, `category`, `resource`, `owner` (kind and id).
    FILE_UPLOADED = "file.uploaded.v1";
    /// The check of a file ended. Data: `file_id`, `status` (`clean`, `infected`, `rejected`, `scan_failed`), `category`, `resource`.
    FILE_SCANNED = "file.scanned.v1";
    /// Malware was found in a file, which cannot be downloaded. Data: `file_id`, `resource`, `owner` (kind and id).
    FILE_INFECTED = "file.infected.v1";
    /// A file was deleted. Data: `file_id`, `resource`.
    FILE_DELETED = "file.deleted.v1";
    /// A tenant's storage usage reached 80 or 95 percent of its limit. Data: `percent`, `used_bytes`, `limit_bytes`.
    QUOTA_WARNING = "quota.warning.v1";
}

/// Publishes a file event in the transaction that made the change.
pub(crate) async fn announce(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    kind: &'static events::EventKind,
    (file, version): (&FileRow, i32),
    data: Value,
) -> Result<()> {
    let announcement = events::Announcement {
        kind,
        subject: format!("files/{}", file.id),
        version: version.into(),
        data,
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}

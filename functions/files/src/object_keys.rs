//! Keys of objects in the store. They consist of identifiers only.

use crate::ids::FileId;
use access::opaque;
use blob::{Key, StoreError};
use chrono::{DateTime, Datelike, Utc};
use ids::TenantId;
use web::{Problem, problem::Result};

/// The key of a file's checked content.
pub(crate) fn object_key(tenant: TenantId, file: FileId, now: DateTime<Utc>) -> String {
    let (year, month) = (now.year(), now.month());
    format!("tenant/{tenant}/{year:04}/{month:02}/{file}")
}

/// The prefix of the parts of an upload.
pub(crate) fn parts_prefix(tenant: TenantId, file: FileId) -> String {
    format!("tenant/{tenant}/uploads/{file}")
}

/// A key for a part that no other request writes to, so that a late request cannot overwrite stored data.
pub(crate) fn part_key(tenant: TenantId, file: FileId, offset: i64) -> Result<Key> {
    let salt = u64::from_be_bytes(opaque::random());
    let prefix = parts_prefix(tenant, file);
    Key::parse(&format!("{prefix}/{offset:020}-{salt:016x}")).map_err(Problem::internal)
}

/// The key that a signed upload URL writes to.
pub(crate) fn direct_upload_key(tenant: TenantId, file: FileId) -> Result<Key> {
    Key::parse(&format!("{}/put", parts_prefix(tenant, file))).map_err(Problem::internal)
}

/// The key of a preview.
pub(crate) fn preview_key(object_key: &str, width: u32) -> Result<Key, StoreError> {
    Key::parse(&format!("{object_key}-{width}"))
        .map_err(|error| StoreError::Refused(error.to_string()))
}

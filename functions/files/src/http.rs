//! Handlers, a file a resource.

pub(crate) mod avatars;
mod begin;
pub(crate) mod content;
pub(crate) mod create;
pub(crate) mod downloads;
pub(crate) mod files;
mod grant;
mod piece;
pub(crate) mod tus;
pub(crate) mod uploads;

use access::{Caller, Permission};
use blob::{Key, StoreError};
use chrono::{DateTime, Datelike, Utc};
use db::TenantTx;
use ids::{FileId, TenantId};
use serde_json::{Map, Value};
use web::{Problem, RequestInfo, problem, problem::Result};

use crate::{
    domain::file::File,
    store::files::{self as rows, Sight},
};

pub(crate) use grant::Granted;

/// What a tenant may store that has agreed on nothing else: 5 GiB.
const AGREED_BY_DEFAULT: i64 = 5 << 30;

/// Bytes that a tenant may store.
pub(crate) fn limit_of(limits: &Map<String, Value>) -> i64 {
    limits
        .get("storage_bytes")
        .and_then(Value::as_i64)
        .unwrap_or(AGREED_BY_DEFAULT)
}

/// Where a new file's bytes are to be: identifiers alone.
pub(crate) fn object_key(tenant: TenantId, file: FileId, now: DateTime<Utc>) -> String {
    let (year, month) = (now.year(), now.month());
    format!("tenant/{tenant}/{year:04}/{month:02}/{file}")
}

/// Below this lie the parts of an upload.
pub(crate) fn parts_prefix(tenant: TenantId, file: FileId) -> String {
    format!("tenant/{tenant}/uploads/{file}")
}

/// Where a preview is.
pub(crate) fn preview_key(file: &File, width: u32) -> Result<Key, StoreError> {
    Key::parse(&format!("{}-{width}", file.object_key))
        .map_err(|error| StoreError::Refused(error.to_string()))
}

/// A store that fails is away for a moment, as far as a client needs to know.
pub(crate) fn away(error: StoreError) -> Problem {
    tracing::warn!(%error, "the store failed");
    problem::UNAVAILABLE.problem()
}

/// What this caller sees.
pub(crate) fn sight<P: Permission>(caller: &Caller<P>, granted: Granted) -> Sight {
    Sight {
        actor: caller.actor,
        reach: caller.reach(),
        grant: granted.0,
    }
}

/// The file, or `404`.
pub(crate) async fn load(tx: &mut TenantTx, sight: &Sight, id: FileId) -> Result<File> {
    rows::find_file(tx, sight, id)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

/// Announces something about a file in its transaction.
pub(crate) async fn announce(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    kind: &'static events::EventKind,
    file: &File,
    data: Value,
) -> Result<()> {
    let announcement = events::Announcement {
        kind,
        subject: format!("files/{}", file.id),
        version: file.version.into(),
        data,
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}

//! Addresses at which one file can be read for some minutes without signing in, where the store has none of its own.

use access::{Keyring, Purpose, opaque};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ids::{FileId, TenantId};
use serde::Deserialize;
use utoipa::IntoParams;

/// How long an address is good.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// What the address says.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedQuery {
    /// In which tenant.
    pub(crate) tenant: TenantId,
    /// The file's version when the address was made.
    pub(crate) version: i32,
    /// Until when, in Unix seconds.
    pub(crate) expires: i64,
    /// An HMAC over method, path, tenant, version and time.
    pub(crate) signature: String,
}

fn words(file: FileId, tenant: TenantId, version: i32, expires: i64) -> String {
    format!("GET\n/downloads/{file}\n{tenant}\n{version}\n{expires}")
}

/// The path and query of a file's address, good until `until`.
pub(crate) fn sign(
    keyring: &Keyring,
    file: FileId,
    tenant: TenantId,
    version: i32,
    until: DateTime<Utc>,
) -> String {
    let expires = until.timestamp();
    let words = words(file, tenant, version, expires);
    let tag = keyring.authenticate(Purpose::DownloadLinks, words.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(tag);
    format!(
        "/api/v1/downloads/{file}?tenant={tenant}&version={version}&expires={expires}&signature={signature}"
    )
}

/// Whether we made this address for this file, and it is still good.
pub(crate) fn is_good(
    keyring: &Keyring,
    file: FileId,
    query: &SignedQuery,
    now: DateTime<Utc>,
) -> bool {
    let words = words(file, query.tenant, query.version, query.expires);
    let Ok(tag) = URL_SAFE_NO_PAD.decode(&query.signature) else {
        return false;
    };
    let known = keyring.authenticate_under_each(Purpose::DownloadLinks, words.as_bytes());
    let ours = known
        .iter()
        .fold(false, |ours, known| ours | opaque::same(known, &tag));
    ours && now.timestamp() < query.expires
}

//! Signed download URLs, for object stores that cannot sign URLs themselves.

use crate::ids::FileId;
use access::{Keyring, Purpose, opaque};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ids::TenantId;
use web::{
    SingleLine,
    body::{BoundedI64, Int},
};

/// How long a signed download URL is valid.
pub(crate) const DOWNLOAD_URL_TTL: TimeDelta = TimeDelta::minutes(5);

web::query! {
    /// The query of a signed download URL.
    pub(crate) struct SignedQuery {
        /// The tenant of the file.
        pub(crate) tenant: TenantId,
        /// The file's version when the URL was signed.
        pub(crate) version: Int<0, { i32::MAX }>,
        /// When the URL expires, in Unix seconds.
        pub(crate) expires: BoundedI64<0, 9_000_000_000_000_000>,
        /// An HMAC over method, path, tenant, version and expiry time.
        pub(crate) signature: SingleLine<1, 200>,
    }
}

fn signed_text(file: FileId, tenant: TenantId, version: i32, expires: i64) -> String {
    format!("GET\n/downloads/{file}\n{tenant}\n{version}\n{expires}")
}

/// The path and query of a signed URL that is valid until `until`.
pub(crate) fn sign(
    keyring: &Keyring,
    file: FileId,
    tenant: TenantId,
    version: i32,
    until: DateTime<Utc>,
) -> String {
    let expires = until.timestamp();
    let text = signed_text(file, tenant, version, expires);
    let tag = keyring.mac(Purpose::DownloadLinks, text.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(tag);
    format!(
        "/api/v1/downloads/{file}?tenant={tenant}&version={version}&expires={expires}&signature={signature}"
    )
}

/// Whether the signature is valid for this file and the URL has not expired.
pub(crate) fn is_valid(
    keyring: &Keyring,
    file: FileId,
    query: &SignedQuery,
    now: DateTime<Utc>,
) -> bool {
    let text = signed_text(file, query.tenant, query.version.get(), query.expires.get());
    let Ok(tag) = URL_SAFE_NO_PAD.decode(query.signature.as_str()) else {
        return false;
    };
    let known = keyring.mac_with_each_key(Purpose::DownloadLinks, text.as_bytes());
    let is_authentic = known.iter().fold(false, |is_authentic, known| {
        is_authentic | opaque::constant_time_eq(known, &tag)
    });
    is_authentic && now.timestamp() < query.expires.get()
}

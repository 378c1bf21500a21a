//! Signed URLs (V4), assembled here and signed by Google's signer. Google's own builder does not encode asterisks, but the server
//! does before verifying the signature, and every `Content-Disposition` with a file name contains one (`filename*`).
//!
//! <https://cloud.google.com/storage/docs/authentication/canonical-requests>

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    time::Duration,
};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use google_cloud_auth::signer::{Signer, SigningError};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const ALGORITHM: &str = "GOOG4-RSA-SHA256";
/// All characters but the unreserved ones of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The parameters of a signed URL.
pub(super) struct UrlToSign<'a> {
    /// `https://<host>`.
    pub(super) endpoint: &'a str,
    /// `/<bucket>/<key>`, which needs no encoding.
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) lifetime: Duration,
    /// Headers besides `Host`, in lower case.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) query: Vec<(&'static str, &'a str)>,
}

impl UrlToSign<'_> {
    /// The signed URL, valid from `now`.
    pub(super) async fn sign(
        &self,
        signer: &Signer,
        now: DateTime<Utc>,
    ) -> Result<String, SigningError> {
        let date = now.format("%Y%m%dT%H%M%SZ").to_string();
        let scope = format!("{}/auto/storage/goog4_request", now.format("%Y%m%d"));
        let credential = format!("{}/{scope}", signer.client_email().await?);
        let (signed_headers, headers) = self.canonical_headers();
        let lifetime = self.lifetime.as_secs().to_string();
        let mut query: BTreeMap<&str, &str> = self.query.iter().copied().collect();
        query.extend([
            ("X-Goog-Algorithm", ALGORITHM),
            ("X-Goog-Credential", &credential),
            ("X-Goog-Date", &date),
            ("X-Goog-Expires", &lifetime),
            ("X-Goog-SignedHeaders", &signed_headers),
        ]);
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
            .collect();
        let (query, path, method) = (query.join("&"), &self.path, &self.method);
        let request =
            format!("{method}\n{path}\n{query}\n{headers}\n{signed_headers}\nUNSIGNED-PAYLOAD");
        let hash = digest::digest(&digest::SHA256, request.as_bytes());
        let message = format!("{ALGORITHM}\n{date}\n{scope}\n{}", Hex(hash.as_ref()));
        let signature = signer.sign(message).await?;
        let endpoint = self.endpoint;
        Ok(format!(
            "{endpoint}{path}?{query}&X-Goog-Signature={}",
            Hex(&signature)
        ))
    }

    /// The names of the signed headers, and their canonical lines.
    fn canonical_headers(&self) -> (String, String) {
        let host = self.endpoint.split_once("://").map_or("", |(_, host)| host);
        let mut headers: BTreeMap<&str, &str> = BTreeMap::from([("host", host)]);
        headers.extend(
            self.headers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        let names: Vec<&str> = headers.keys().copied().collect();
        let lines = headers
            .iter()
            .fold(String::new(), |mut lines, (name, value)| {
                // Writing to a String cannot fail.
                _ = writeln!(lines, "{name}:{value}");
                lines
            });
        (names.join(";"), lines)
    }
}

/// Lower-case hexadecimal.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

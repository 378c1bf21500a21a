//! Asking an issuer: bounded in time by the client, in size here.

use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::OidcError;

/// Bytes of metadata and token answers.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// Bytes of a key set.
pub const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// An address that may be asked: `https`, and `http` only of this machine when that is allowed.
pub fn address(text: &str, local: bool) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let safe = url.scheme() == "https" || (url.scheme() == "http" && here && local);
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (safe && plain).then_some(url)
}

/// The answer as JSON.
pub async fn json<T: DeserializeOwned>(
    request: reqwest::RequestBuilder,
    limit: usize,
) -> Result<T, OidcError> {
    // An address may hold what the issuer put there; the log does not need it.
    let unavailable =
        |error: reqwest::Error| OidcError::Unavailable(error.without_url().to_string());
    let mut response = request
        .header(http::header::ACCEPT, "application/json")
        .send()
        .await
        .map_err(unavailable)?;
    let status = response.status();
    if status.is_server_error() {
        return Err(OidcError::Unavailable(format!("answered {status}")));
    }
    if !status.is_success() {
        return Err(OidcError::Refused("the issuer refused"));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
        if body.len() + chunk.len() > limit {
            return Err(OidcError::Refused("the issuer's answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body)
        .map_err(|_| OidcError::Refused("the issuer's answer is no JSON of that kind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_are_asked() {
        for (text, far, near) in [
            ("https://issuer.example/x", true, true),
            ("http://issuer.example/x", false, false),
            ("http://127.0.0.1:8080", false, true),
            ("http://[::1]:8080", false, true),
            ("http://localhost", false, true),
            ("http://localhost.example", false, false),
            ("https://user@issuer.example", false, false),
            ("https://issuer.example/#x", false, false),
            ("file:///etc/passwd", false, false),
            ("javascript:alert(1)", false, false),
            ("", false, false),
        ] {
            assert_eq!(address(text, false).is_some(), far, "{text}");
            assert_eq!(address(text, true).is_some(), near, "{text}");
        }
    }
}

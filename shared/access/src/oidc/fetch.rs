//! Requests to an issuer. The client limits the time, this module the size.

use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::OidcError;

/// Maximum size of metadata and token responses in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// Maximum size of a key set in bytes.
pub const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// Validates a URL: `https`, or `http` on the loopback interface if `local` is set.
pub fn parse_url(text: &str, local: bool) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let has_safe_scheme =
        url.scheme() == "https" || (url.scheme() == "http" && is_loopback && local);
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (has_safe_scheme && is_plain).then_some(url)
}

/// Sends a request and parses the JSON response.
pub async fn json<T: DeserializeOwned>(
    request: reqwest::RequestBuilder,
    limit: usize,
) -> Result<T, OidcError> {
    // A URL may contain data of the issuer that does not belong in the log.
    let unavailable =
        |error: reqwest::Error| OidcError::Unavailable(error.without_url().to_string());
    let mut response = request
        .header(http::header::ACCEPT, "application/json")
        .send()
        .await
        .map_err(unavailable)?;
    let status = response.status();
    if status.is_server_error() {
        return Err(OidcError::Unavailable(format!("responded with {status}")));
    }
    if !status.is_success() {
        return Err(OidcError::Refused("the issuer refused the request"));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
        if body.len() + chunk.len() > limit {
            return Err(OidcError::Refused("the issuer's response is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body)
        .map_err(|_| OidcError::Refused("the issuer's response is not the expected JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_urls_are_accepted() {
        for (text, accepted, accepted_locally) in [
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
            assert_eq!(parse_url(text, false).is_some(), accepted, "{text}");
            assert_eq!(parse_url(text, true).is_some(), accepted_locally, "{text}");
        }
    }
}

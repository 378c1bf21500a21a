//! What is known of a request besides its content.

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, Method, request::Parts};
use ids::TenantId;

use crate::language::Language;

/// The header that carries the request id both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Made by the outermost layer for every request; cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestInfo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    method: Method,
    path: String,
    address: Option<IpAddr>,
    accepted: Option<Language>,
    caller: OnceLock<CallerInfo>,
}

/// Who is calling, for the log line and the language of refusals; told by `access`.
#[derive(Clone, Debug)]
pub struct CallerInfo {
    /// The tenant whose data the request works on.
    pub tenant: TenantId,
    /// `user`, `api_key` and so on, with the identifier.
    pub actor: String,
    /// The language to answer in when the request names none.
    pub language: Language,
}

impl RequestInfo {
    pub(crate) fn new(parts: &Parts, id: String, address: Option<IpAddr>) -> Self {
        Self(Arc::new(Inner {
            id,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            address,
            accepted: Language::from_headers(&parts.headers),
            caller: OnceLock::new(),
        }))
    }

    /// The request id, ours or the client's.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The method as it came.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The path as it came, before any router cut it.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The client's address as the trusted proxies tell it.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// The language to answer in: the request's, else the caller's, else English.
    pub fn language(&self) -> Language {
        self.0
            .accepted
            .or_else(|| self.0.caller.get().map(|caller| caller.language))
            .unwrap_or_default()
    }

    /// Tells who is calling; the first word counts.
    pub fn set_caller(&self, caller: CallerInfo) {
        let _ = self.0.caller.set(caller);
    }

    /// Who is calling, when that is known by now.
    pub fn caller(&self) -> Option<&CallerInfo> {
        self.0.caller.get()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(match parts.extensions.get::<Self>() {
            Some(info) => info.clone(),
            // Only without the outermost layer, in a test of one router.
            None => Self::new(parts, String::new(), None),
        })
    }
}

/// The client's request id, if it is sane: 1 to 128 visible ASCII characters without quotes and commas.
pub(crate) fn sane_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let sane = (1..=128).contains(&id.len())
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '='));
    sane.then(|| id.to_owned())
}

/// The client's address: the peer, or with `hops` trusted proxies the entry of `X-Forwarded-For` that the
/// outermost of them wrote. Entries further left are the client's own words.
pub(crate) fn client_address(
    headers: &HeaderMap,
    peer: Option<IpAddr>,
    hops: usize,
) -> Option<IpAddr> {
    if hops == 0 {
        return peer;
    }
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    forwarded
        .len()
        .checked_sub(hops)
        .and_then(|index| forwarded[index].parse().ok())
        .or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_choose_its_address() {
        let peer = Some("10.0.0.1".parse().unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            "1.1.1.1, 2.2.2.2, 3.3.3.3".parse().unwrap(),
        );
        assert_eq!(client_address(&headers, peer, 0), peer);
        assert_eq!(
            client_address(&headers, peer, 1),
            Some("3.3.3.3".parse().unwrap())
        );
        assert_eq!(
            client_address(&headers, peer, 2),
            Some("2.2.2.2".parse().unwrap())
        );
        assert_eq!(client_address(&headers, peer, 9), peer);
    }
}

//! What is known of a request besides its content.

use std::{
    any::Any,
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, Method, request::Parts};
use ids::TenantId;
use tokio::time::Instant;

use crate::{language::Language, quota::Quota};

/// The header that carries the request id both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Made by the outermost layer for every request; cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestInfo(Arc<Inner>);

struct Inner {
    id: String,
    method: Method,
    path: String,
    address: Option<IpAddr>,
    accepted: Option<Language>,
    caller: OnceLock<CallerInfo>,
    quota: OnceLock<Quota>,
    held: Mutex<Vec<Box<dyn Any + Send>>>,
    began: Instant,
    moved: Mutex<Instant>,
}

/// How long a request may take whose body keeps coming.
const LONGEST_BODY: Duration = Duration::from_mins(15);

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
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
        let now = Instant::now();
        Self(Arc::new(Inner {
            id,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            address,
            accepted: Language::from_headers(&parts.headers),
            caller: OnceLock::new(),
            quota: OnceLock::new(),
            held: Mutex::default(),
            began: now,
            moved: Mutex::new(now),
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

    /// Tells what is left of the rate limit that the request was charged to; the first word counts.
    pub fn set_quota(&self, quota: Quota) {
        let _ = self.0.quota.set(quota);
    }

    /// What is left of the rate limit, once the request was charged.
    pub fn quota(&self) -> Option<&Quota> {
        self.0.quota.get()
    }

    /// Holds `place` until the answer is ready, or the client has hung up.
    pub fn hold_permit(&self, place: impl Any + Send) {
        self.held().push(Box::new(place));
    }

    /// Notes that more of a body has come that is read as it streams.
    pub(crate) fn note_progress(&self) {
        *self.0.moved.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// When the head of the answer must be there: so long after the beginning, or after the last that came of a body that is
    /// read as it streams.
    pub(crate) fn deadline(&self, limit: Duration) -> Instant {
        let moved = *self.0.moved.lock().unwrap_or_else(PoisonError::into_inner);
        (moved + limit).min(self.0.began + LONGEST_BODY)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn Any + Send>>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives back what a request holds, however it ends: answered, timed out, or given up.
pub(crate) struct Held(pub(crate) RequestInfo);

impl Drop for Held {
    fn drop(&mut self) {
        let places = std::mem::take(&mut *self.0.held());
        drop(places);
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

/// The network that counts as one client: whoever has one IPv6 address usually has the 64 bits behind it too.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
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

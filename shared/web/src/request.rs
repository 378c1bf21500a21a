//! Metadata of a request.

use std::{
    any::Any,
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, Method, request::Parts};
use ids::TenantId;
use tokio::time::Instant;

use crate::{language::Language, quota::Quota};

/// The header that carries the request id both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Metadata of a request, created by the outermost layer; cheap to clone.
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
    permits: Mutex<Vec<Box<dyn Any + Send>>>,
    until_authenticated: Mutex<Option<Box<dyn Any + Send>>>,
    write_lost: AtomicBool,
    started: Instant,
    last_progress: Mutex<Instant>,
}

/// Time limit for a request with a streaming body.
const MAX_BODY_DURATION: Duration = Duration::from_mins(15);

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

/// The caller, for the log line and the language of problems; set by `access`.
#[derive(Clone, Debug)]
pub struct CallerInfo {
    /// The tenant whose data the request works on.
    pub tenant: TenantId,
    /// `user`, `api_key` and so on, with the identifier.
    pub actor: String,
    /// The response language if the request has no preference.
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
            permits: Mutex::default(),
            until_authenticated: Mutex::default(),
            write_lost: AtomicBool::new(false),
            started: now,
            last_progress: Mutex::new(now),
        }))
    }

    /// The request id: the client's if valid, else a generated one.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The full path, before nested routers strip a prefix.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The client's address as reported by the trusted proxies.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// The response language: the request's, else the caller's, else English.
    pub fn language(&self) -> Language {
        self.0
            .accepted
            .or_else(|| self.0.caller.get().map(|caller| caller.language))
            .unwrap_or_default()
    }

    /// Sets the caller; only the first call has an effect. Releases what is held until then.
    pub fn set_caller(&self, caller: CallerInfo) {
        let _ = self.0.caller.set(caller);
        drop(self.take_until_authenticated());
    }

    /// The caller, if already known.
    pub fn caller(&self) -> Option<&CallerInfo> {
        self.0.caller.get()
    }

    /// Sets the quota of the rate limit that the request counts against; only the first call has an effect.
    pub fn set_quota(&self, quota: Quota) {
        let _ = self.0.quota.set(quota);
    }

    /// The quota of the rate limit, if already known.
    pub fn quota(&self) -> Option<&Quota> {
        self.0.quota.get()
    }

    /// Holds `permit` until the caller is known, at most until the response has been written or the client disconnects.
    pub fn hold_until_authenticated(&self, permit: impl Any + Send) {
        *self
            .0
            .until_authenticated
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Box::new(permit));
    }

    fn take_until_authenticated(&self) -> Option<Box<dyn Any + Send>> {
        self.0
            .until_authenticated
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Holds `permit` until the response has been written or the client disconnects.
    pub fn hold_permit(&self, permit: impl Any + Send) {
        self.permits().push(Box::new(permit));
    }

    /// Records that a transaction for this request was dropped without a commit: a success would then be a lie.
    pub fn mark_write_lost(&self) {
        self.0.write_lost.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_write_lost(&self) -> bool {
        self.0.write_lost.load(Ordering::Relaxed)
    }

    /// Records that another chunk of a streaming body has arrived.
    pub(crate) fn record_progress(&self) {
        *self
            .0
            .last_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Deadline of the response head: `limit` after the start, or after the last chunk of a streaming body.
    pub(crate) fn deadline(&self, limit: Duration) -> Instant {
        let last_progress = *self
            .0
            .last_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (last_progress + limit).min(self.0.started + MAX_BODY_DURATION)
    }

    fn permits(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn Any + Send>>> {
        self.0
            .permits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Releases the permits of a request when it ends: answered, timed out or aborted.
#[derive(Debug)]
pub(crate) struct PermitGuard(pub(crate) RequestInfo);

impl Drop for PermitGuard {
    fn drop(&mut self) {
        let permits = std::mem::take(&mut *self.0.permits());
        drop((permits, self.0.take_until_authenticated()));
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(match parts.extensions.get::<Self>() {
            Some(info) => info.clone(),
            // Only without the outermost layer, in the test of a single router.
            None => Self::new(parts, String::new(), None),
        })
    }
}

/// The network that counts as one client: an IPv6 client usually controls a whole /64.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The client's request id, if valid: 1 to 128 visible ASCII characters without quotes and commas.
pub(crate) fn valid_request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let is_valid = (1..=128).contains(&id.len())
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '='));
    is_valid.then(|| id.to_owned())
}

/// The client's address: the peer, or with `hops` trusted proxies the entry of `X-Forwarded-For` that the outermost of them
/// wrote. Entries further left are set by the client and not trustworthy.
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

//! Authentication: from a request's credentials to a [`Principal`].

mod admission;
mod api_key;
mod caches;
mod credential;
mod impersonation;
mod request_quota;
mod session;
mod tenant_switch;

use db::Db;
use http::HeaderMap;
use web::{Clock, Language, Problem, RequestInfo, problem, request::CallerInfo};

use self::{
    caches::Caches,
    credential::{Credential, credential},
    request_quota::RequestQuota,
};
use crate::{
    AppSettings, Principal, REVALENZ, TenantStatus, caller::is_safe, in_flight::InFlight, problems,
    rate_limit::RateLimits,
};

/// Authenticates callers and admits their requests. One per process, shared by its functions.
#[derive(Debug)]
pub struct Authenticator {
    db: Db,
    clock: Clock,
    public_url: String,
    local: bool,
    caches: Caches,
    rate_limits: RateLimits,
    in_flight: InFlight,
    request_quota: RequestQuota,
}

impl Authenticator {
    pub(crate) fn new(db: Db, clock: Clock, settings: &AppSettings) -> Self {
        Self {
            db,
            clock,
            public_url: settings.public_url.clone(),
            local: settings.local,
            caches: Caches::new(settings.cache_ttl),
            rate_limits: RateLimits::new(),
            in_flight: InFlight::new(settings.in_flight),
            request_quota: RequestQuota::new(),
        }
    }

    /// Authenticates the caller: `None` without credentials, `401` with invalid ones. Counts the request against the caller's
    /// rate limit, and acquires a permit of the tenant.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<Option<Principal>, Problem> {
        let verified = self.verify_credential(headers, request).await;
        let Some((mut principal, language)) =
            verified.map_err(|refusal| self.attribute_failure(refusal, request))?
        else {
            return Ok(None);
        };
        self.admit(&principal, language, request).await?;
        if principal.impersonator.is_some() {
            if !is_safe(request.method()) {
                return Err(problems::IMPERSONATION_READ_ONLY.problem());
            }
        } else if principal.is_superadmin() && principal.tenant.id == REVALENZ {
            self.switch_tenant(&mut principal, headers, request).await?;
        }
        if principal.tenant.status == TenantStatus::Closed {
            return Err(unauthenticated());
        }
        request.set_caller(CallerInfo {
            tenant: principal.tenant.id,
            actor: principal.actor.to_string(),
            language,
        });
        Ok(Some(principal))
    }

    async fn verify_credential(
        &self,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<Option<(Principal, Language)>, Problem> {
        Ok(match credential(headers)? {
            None => None,
            Some(Credential::Key(text)) => Some(self.authenticate_key(text, request).await?),
            Some(Credential::Token(text)) => Some(self.authenticate_token(text).await?),
        })
    }
}

/// `401` with the challenge of RFC 6750.
pub(crate) fn unauthenticated() -> Problem {
    problem::UNAUTHENTICATED
        .problem()
        .header(http::header::WWW_AUTHENTICATE, "Bearer realm=\"revalenz\"")
}

//! Admission of requests: rate limits per caller, and concurrency limits.

use http::HeaderMap;
use web::{
    Language, Problem, RequestInfo, problem,
    request::{CallerInfo, network},
};

use super::{Authenticator, credential::has_credential, unauthenticated};
use crate::{
    Principal,
    in_flight::{Permit, PermitOwner},
    rate_limit::RateLimitKey,
};

/// Requests per minute of a person (`decisions.md` 18), unless the tenant's limits override it.
const DEFAULT_REQUESTS_PER_USER: u32 = 1_200;
/// Requests per minute of a key, unless the tenant's limits override it.
const DEFAULT_REQUESTS_PER_KEY: u32 = 6_000;
/// Requests per minute from one network without valid credentials; many people may share an address.
const DEFAULT_REQUESTS_PER_ADDRESS: u32 = 6_000;
/// The tenant limits that override the defaults.
const LIMIT_PER_USER: &str = "requests_per_minute_per_user";
const LIMIT_PER_KEY: &str = "requests_per_minute_per_key";

impl Authenticator {
    /// Admits a request before its route runs: `503` if the process is at its limit, and `429` for too many anonymous requests.
    /// The request holds its permits.
    ///
    /// A credential earns nothing until it is verified: the request holds the permits of an anonymous one until then. Where the
    /// client's network has used up its share, the credential is verified here, so that only signed-in callers pass.
    pub(crate) async fn admit_unverified(
        &self,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<(), Problem> {
        request.hold_permit(self.acquire_permit(PermitOwner::Process)?);
        if !has_credential(headers) {
            self.consume_for_address(request)?;
            request.hold_permit(self.anonymous_permits(request)?);
            return Ok(());
        }
        match self.anonymous_permits(request) {
            Ok(permits) if !self.is_address_exhausted(request) => {
                request.hold_until_authenticated(permits);
            }
            _ => {
                self.authenticate(headers, request)
                    .await?
                    .ok_or_else(unauthenticated)?;
            }
        }
        Ok(())
    }

    /// Counts a request against the client's network if its credential was never verified, as on a public route.
    pub(crate) fn count_unverified(&self, request: &RequestInfo) {
        if request.caller().is_none() && request.quota().is_none() {
            // The request has been answered; the next one is refused.
            let _ = self.consume_for_address(request);
        }
    }

    fn anonymous_permits(&self, request: &RequestInfo) -> Result<Vec<Permit>, Problem> {
        let mut permits = vec![self.acquire_permit(PermitOwner::Anonymous)?];
        if let Some(address) = request.address() {
            permits.push(self.acquire_permit(PermitOwner::Address(network(address)))?);
        }
        Ok(permits)
    }

    /// Admits an authenticated request: counts it against the caller's rate limit and the tenant's monthly quota, and acquires
    /// a permit of the caller's own tenant.
    pub(super) async fn admit(
        &self,
        principal: &Principal,
        language: Language,
        request: &RequestInfo,
    ) -> Result<(), Problem> {
        // Already counted: a handler with two caller arguments.
        if request.quota().is_some() {
            return Ok(());
        }
        let tenant = &principal.tenant;
        let (rate_limit_key, limit) = match (principal.user, principal.api_key) {
            (Some(user), _) => {
                let limit = tenant
                    .limit(LIMIT_PER_USER)
                    .unwrap_or(DEFAULT_REQUESTS_PER_USER);
                (RateLimitKey::User(tenant.id, user), limit)
            }
            (None, Some(key)) => {
                let max = tenant
                    .limit(LIMIT_PER_KEY)
                    .unwrap_or(DEFAULT_REQUESTS_PER_KEY);
                let limit = principal.requests_per_minute.unwrap_or(max).min(max);
                (RateLimitKey::Key(tenant.id, key), limit)
            }
            (None, None) => return Ok(()),
        };
        let permitted = self.consume(rate_limit_key, limit, request).and_then(|()| {
            request.hold_permit(self.acquire_permit(PermitOwner::Tenant(tenant.id))?);
            Ok(())
        });
        let admitted = match permitted {
            Ok(()) => self.count_request(principal, request).await,
            refused => refused,
        };
        if admitted.is_err() {
            request.set_caller(CallerInfo {
                tenant: tenant.id,
                actor: principal.actor.to_string(),
                language,
            });
        }
        admitted
    }

    /// Counts a failed authentication against the client's network; many failures are answered with `429`.
    pub(super) fn attribute_failure(&self, refusal: Problem, request: &RequestInfo) -> Problem {
        if refusal.kind() == &problem::UNAUTHENTICATED {
            self.consume_for_address(request).err().unwrap_or(refusal)
        } else {
            refusal
        }
    }

    fn is_address_exhausted(&self, request: &RequestInfo) -> bool {
        let now = self.clock.now();
        match request.address() {
            Some(address) if self.local && address.is_loopback() => false,
            Some(address) => {
                let key = RateLimitKey::Address(network(address));
                let limit = DEFAULT_REQUESTS_PER_ADDRESS;
                self.rate_limits.is_exhausted(key, limit, now)
            }
            None => false,
        }
    }

    fn consume_for_address(&self, request: &RequestInfo) -> Result<(), Problem> {
        match request.address() {
            // No limit for local development.
            Some(address) if self.local && address.is_loopback() => Ok(()),
            Some(address) => self.consume(
                RateLimitKey::Address(network(address)),
                DEFAULT_REQUESTS_PER_ADDRESS,
                request,
            ),
            None => Ok(()),
        }
    }

    fn consume(&self, key: RateLimitKey, limit: u32, request: &RequestInfo) -> Result<(), Problem> {
        let decision = self.rate_limits.consume(key, limit, self.clock.now());
        request.set_quota(decision.quota);
        match decision.retry_after_seconds {
            None => Ok(()),
            Some(seconds) => Err(problem::RATE_LIMITED
                .problem()
                .argument("seconds", seconds)
                .header(http::header::RETRY_AFTER, seconds)),
        }
    }

    fn acquire_permit(&self, party: PermitOwner) -> Result<Permit, Problem> {
        self.in_flight.acquire(party).ok_or_else(|| {
            problem::OVERLOADED
                .problem()
                .header(http::header::RETRY_AFTER, 1)
        })
    }
}

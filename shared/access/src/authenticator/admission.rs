//! Whether there is room for a request: so many a minute for its caller, so many at once for the process.

use http::HeaderMap;
use web::{
    Language, Problem, RequestInfo, problem,
    request::{CallerInfo, network},
};

use super::{Authenticator, credential::has_credential};
use crate::{
    Principal,
    in_flight::{Permit, PermitOwner},
    rate_limit::RateLimitKey,
};

/// Requests a minute of a person (`decisions.md` 18), unless the tenant's limits say otherwise.
const DEFAULT_REQUESTS_PER_USER: u32 = 1_200;
/// Requests a minute of a key, unless the tenant's limits say otherwise.
const DEFAULT_REQUESTS_PER_KEY: u32 = 6_000;
/// Requests a minute without a usable credential from one network: many people may be behind one address.
const DEFAULT_REQUESTS_PER_ADDRESS: u32 = 6_000;
/// The names under which a tenant's limits have other numbers.
const LIMIT_PER_USER: &str = "requests_per_minute_per_user";
const LIMIT_PER_KEY: &str = "requests_per_minute_per_key";

impl Authenticator {
    /// Lets a request in before it is looked at: `503` when the process is full, and strangers may be `429`. The permits are
    /// the request's as long as they are kept.
    pub(crate) fn admit_unauthenticated(
        &self,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<Vec<Permit>, Problem> {
        let mut permits = vec![self.acquire_permit(PermitOwner::Process)?];
        if !has_credential(headers) {
            self.consume_for_address(request)?;
            permits.push(self.acquire_permit(PermitOwner::Anonymous)?);
            if let Some(address) = request.address() {
                permits.push(self.acquire_permit(PermitOwner::Address(network(address)))?);
            }
        }
        Ok(permits)
    }

    /// Charges the request to whoever is calling, takes a place among those of their own tenant, in whichever they act, and
    /// counts it off that tenant's month.
    pub(super) async fn admit(
        &self,
        principal: &Principal,
        language: Language,
        request: &RequestInfo,
    ) -> Result<(), Problem> {
        // Charged already: one request, asked for its caller twice.
        if request.quota().is_some() {
            return Ok(());
        }
        let tenant = &principal.tenant;
        let (payer, limit) = match (principal.user, principal.api_key) {
            (Some(user), _) => {
                let limit = tenant
                    .limit(LIMIT_PER_USER)
                    .unwrap_or(DEFAULT_REQUESTS_PER_USER);
                (RateLimitKey::User(tenant.id, user), limit)
            }
            (None, Some(key)) => {
                let most = tenant
                    .limit(LIMIT_PER_KEY)
                    .unwrap_or(DEFAULT_REQUESTS_PER_KEY);
                let limit = principal.requests_per_minute.unwrap_or(most).min(most);
                (RateLimitKey::Key(tenant.id, key), limit)
            }
            (None, None) => return Ok(()),
        };
        let placed = self.consume(payer, limit, request).and_then(|()| {
            request.hold_permit(self.acquire_permit(PermitOwner::Tenant(tenant.id))?);
            Ok(())
        });
        let admitted = match placed {
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

    /// What a refused credential is answered with: whoever tries many is told to slow down.
    pub(super) fn attribute_failure(&self, refusal: Problem, request: &RequestInfo) -> Problem {
        if refusal.kind() == &problem::UNAUTHENTICATED {
            self.consume_for_address(request).err().unwrap_or(refusal)
        } else {
            refusal
        }
    }

    fn consume_for_address(&self, request: &RequestInfo) -> Result<(), Problem> {
        match request.address() {
            // A laptop: whoever works on it tries what they like.
            Some(address) if self.local && address.is_loopback() => Ok(()),
            Some(address) => self.consume(
                RateLimitKey::Address(network(address)),
                DEFAULT_REQUESTS_PER_ADDRESS,
                request,
            ),
            None => Ok(()),
        }
    }

    fn consume(
        &self,
        payer: RateLimitKey,
        limit: u32,
        request: &RequestInfo,
    ) -> Result<(), Problem> {
        let decision = self.rate_limits.consume(payer, limit, self.clock.now());
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

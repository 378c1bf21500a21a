//! Finding out who calls.

mod acting;
mod admission;
mod caches;
mod credential;
mod key;
mod person;
mod requests;
mod tenant_switch;

use std::{sync::Arc, time::Duration};

use db::Db;
use http::HeaderMap;
use web::{Clock, Language, Problem, RequestInfo, problem, request::CallerInfo};

use self::{
    caches::Caches,
    credential::{Credential, credential},
    requests::Requests,
};
use crate::{
    InternalAuth, Keyring, Principal, REVALENZ, TenantStatus, caller::is_safe, in_flight::InFlight,
    problems, rate_limit::RateLimits,
};

/// What the gate must be told.
#[derive(Clone, Debug)]
pub struct GateSettings {
    /// The platform's address as clients see it: the `iss` of tokens.
    pub public_url: String,
    /// How long tenants, sessions, roles and keys may be remembered: at most 15 s, so that a revocation reaches every
    /// process within a minute.
    pub remember: Duration,
    /// Whether browsers on loopback addresses may call (a laptop).
    pub local: bool,
    /// How many requests may be under way at once; a tenant may have half of them.
    pub in_flight: usize,
}

/// Authenticates callers. One a process, shared by the functions in it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    keyring: Keyring,
    settings: GateSettings,
    internal: InternalAuth,
    caches: Caches,
    rate_limits: RateLimits,
    in_flight: InFlight,
    requests: Requests,
}

impl Gate {
    /// A gate over this database. The platform's own callers prove themselves by what the master key yields.
    pub fn new(db: Db, clock: Clock, keyring: Keyring, settings: GateSettings) -> Self {
        let internal = InternalAuth::derived(&keyring);
        Self::with_internal_auth(db, clock, keyring, settings, internal)
    }

    /// The same, with another proof for the platform's own callers.
    pub fn with_internal_auth(
        db: Db,
        clock: Clock,
        keyring: Keyring,
        settings: GateSettings,
        internal: InternalAuth,
    ) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            keyring,
            internal,
            caches: Caches::new(settings.remember),
            rate_limits: RateLimits::new(),
            in_flight: InFlight::new(settings.in_flight),
            requests: Requests::new(),
            settings,
        }))
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The keys.
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    /// How the platform's own callers prove themselves.
    pub fn internal_auth(&self) -> &InternalAuth {
        &self.0.internal
    }

    /// What it was told.
    pub fn settings(&self) -> &GateSettings {
        &self.0.settings
    }

    /// Who calls: `None` without credentials, `401` with bad ones. The request is charged to them, and takes a place among
    /// those of their tenant.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<Option<Principal>, Problem> {
        let recognised = self.recognise(headers, request).await;
        let Some((mut principal, language)) =
            recognised.map_err(|refusal| self.blame(refusal, request))?
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

    async fn recognise(
        &self,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<Option<(Principal, Language)>, Problem> {
        Ok(match credential(headers)? {
            None => None,
            Some(Credential::Key(text)) => Some(self.key(text, request).await?),
            Some(Credential::Token(text)) => Some(self.person(text).await?),
        })
    }
}

/// `401` with the challenge that RFC 6750 asks for.
pub(crate) fn unauthenticated() -> Problem {
    problem::UNAUTHENTICATED
        .problem()
        .header(http::header::WWW_AUTHENTICATE, "Bearer realm=\"revalenz\"")
}

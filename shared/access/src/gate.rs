//! Finding out who calls.

use std::{collections::HashMap, sync::Arc, time::Duration};

use db::{Actor, Db, DbError};
use http::HeaderMap;
use ids::{ApiKeyId, SessionId, TenantId};
use jsonwebtoken::DecodingKey;
use moka::future::Cache;
use web::{Clock, Language, Problem, RequestInfo, problem, request::CallerInfo};

use crate::{
    Grants, InternalAuth, Keyring, Principal, REVALENZ, Tenant, TenantStatus,
    api_key::{self, ApiKeySecret},
    audit, directory,
    directory::{Standing, StoredKey},
    opaque, problems, proof,
    token::{self, Claims},
};

/// Bytes of the longest origin: scheme, a host name of 253 letters, a port.
const LONGEST_ORIGIN: usize = 8 + 253 + 6;

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
    tenants: Cache<TenantId, Option<Arc<Tenant>>>,
    standings: Cache<(TenantId, SessionId), Option<Arc<Standing>>>,
    keys: Cache<(TenantId, ApiKeyId), Option<Arc<StoredKey>>>,
    signing_keys: Cache<(), Arc<SigningKeys>>,
    /// Tokens whose signature was right, by their SHA-256: checking one costs a tenth of a millisecond.
    verified: Cache<[u8; 32], Arc<Claims>>,
    origins: Cache<String, Option<TenantId>>,
    /// Keys whose use was noted within the last minute.
    noted: Cache<ApiKeyId, ()>,
}

struct SigningKeys(HashMap<String, DecodingKey>);

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn remembered<K, V>(most: u64, ttl: Duration) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(most)
        .time_to_live(ttl)
        .build()
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
        let ttl = settings.remember;
        Self(Arc::new(Inner {
            db,
            clock,
            keyring,
            internal,
            tenants: remembered(10_000, ttl),
            standings: remembered(50_000, ttl),
            keys: remembered(10_000, ttl),
            signing_keys: remembered(1, ttl),
            verified: remembered(50_000, Duration::from_mins(10)),
            origins: remembered(10_000, ttl),
            noted: remembered(10_000, Duration::from_mins(1)),
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

    /// The tenant, unless it is unknown.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, Problem> {
        let load = async {
            let tenant = directory::find_tenant(&self.0.db, id).await?;
            let now = self.0.clock.now();
            Ok::<_, DbError>(tenant.map(|tenant| Arc::new(tenant.at(now))))
        };
        self.0.tenants.try_get_with(id, load).await.map_err(shared)
    }

    /// The tenant to which a web origin belongs.
    pub async fn tenant_of_origin(&self, origin: &str) -> Result<Option<TenantId>, Problem> {
        // Nobody's: remembering whatever strangers send would let them fill the memory.
        if origin.len() > LONGEST_ORIGIN {
            return Ok(None);
        }
        let load = directory::tenant_by_origin(&self.0.db, origin);
        self.0
            .origins
            .try_get_with(origin.to_owned(), load)
            .await
            .map_err(shared)
    }

    /// Forgets what is remembered of a session, so that its end counts at once in this process.
    pub async fn forget_session(&self, tenant: TenantId, session: SessionId) {
        self.0.standings.invalidate(&(tenant, session)).await;
    }

    /// Forgets all sessions and roles, so that a change of people or roles counts at once in this process.
    pub fn forget_people(&self) {
        self.0.standings.invalidate_all();
    }

    /// Forgets what is remembered of a tenant, so that its change counts at once in this process.
    pub async fn forget_tenant(&self, tenant: TenantId) {
        self.0.tenants.invalidate(&tenant).await;
        self.0.origins.invalidate_all();
    }

    /// Forgets what is remembered of a key, so that its end counts at once in this process.
    pub async fn forget_key(&self, tenant: TenantId, key: ApiKeyId) {
        self.0.keys.invalidate(&(tenant, key)).await;
    }

    /// Forgets the public keys, so that a rotation counts at once in this process.
    pub async fn forget_signing_keys(&self) {
        self.0.signing_keys.invalidate(&()).await;
    }

    /// Who calls: `None` without credentials, `401` with bad ones.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<Option<Principal>, Problem> {
        let Some(credential) = credential(headers)? else {
            return Ok(None);
        };
        let (mut principal, language) = match credential {
            Credential::Key(text) => self.key(text, request).await?,
            Credential::Token(text) => self.person(text).await?,
        };
        if principal.is_superadmin() && principal.tenant.id == REVALENZ {
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

    async fn person(&self, text: &str) -> Result<(Principal, Language), Problem> {
        let claims = self.claims(text).await?.ok_or_else(unauthenticated)?;
        let mut standing = self.standing(&claims).await?;
        // Proved again since it was remembered, and the client has the token that says so: it must not be asked once more.
        if standing.proved_at.timestamp() < claims.auth_time {
            self.forget_session(claims.tid, claims.sid).await;
            standing = self.standing(&claims).await?;
        }
        let now = self.0.clock.now();
        let alive = standing.active && standing.revoked_at.is_none() && standing.expires_at > now;
        if !alive || standing.user != claims.sub {
            return Err(unauthenticated());
        }
        let tenant = self.tenant(claims.tid).await?.ok_or_else(unauthenticated)?;
        let language = Language::of_locale(&standing.locale).unwrap_or(tenant.language());
        let principal = Principal {
            second_factor_required: proof::is_factor_required(&tenant, &standing.role),
            tenant,
            actor: Actor::user(standing.user),
            user: Some(standing.user),
            api_key: None,
            session: Some(claims.sid),
            role: standing.role.clone(),
            base_role: standing.base_role.clone(),
            amr: standing.amr.clone(),
            proved_at: Some(standing.proved_at),
            second_factor: standing.second_factor,
            grants: Arc::new(standing.grants.clone()),
            reason: None,
        };
        Ok((principal, language))
    }

    async fn standing(&self, claims: &Claims) -> Result<Arc<Standing>, Problem> {
        let load = async {
            Ok::<_, DbError>(
                directory::find_standing(&self.0.db, claims.tid, claims.sid)
                    .await?
                    .map(Arc::new),
            )
        };
        self.0
            .standings
            .try_get_with((claims.tid, claims.sid), load)
            .await
            .map_err(shared)?
            .ok_or_else(unauthenticated)
    }

    async fn claims(&self, text: &str) -> Result<Option<Arc<Claims>>, Problem> {
        let now = self.0.clock.now();
        let fingerprint = opaque::sha256(text.as_bytes());
        if let Some(claims) = self.0.verified.get(&fingerprint).await {
            return Ok(Some(claims).filter(|claims| now.timestamp() < claims.exp));
        }
        let Some(key_id) = token::key_id(text) else {
            return Ok(None);
        };
        let keys = self
            .0
            .signing_keys
            .try_get_with((), self.load_signing_keys())
            .await
            .map_err(shared)?;
        let Some(key) = keys.0.get(&key_id) else {
            return Ok(None);
        };
        let Some(claims) = token::verify(text, key, &self.0.settings.public_url, now) else {
            return Ok(None);
        };
        let claims = Arc::new(claims);
        self.0.verified.insert(fingerprint, claims.clone()).await;
        Ok(Some(claims))
    }

    async fn load_signing_keys(&self) -> Result<Arc<SigningKeys>, DbError> {
        let keys = directory::signing_keys(&self.0.db).await?;
        Ok(Arc::new(SigningKeys(
            keys.into_iter()
                .map(|(id, public)| (id, DecodingKey::from_ed_der(&public)))
                .collect(),
        )))
    }

    async fn key(
        &self,
        text: &str,
        request: &RequestInfo,
    ) -> Result<(Principal, Language), Problem> {
        let secret = ApiKeySecret::parse(text).ok_or_else(unauthenticated)?;
        let load = async {
            Ok::<_, DbError>(
                directory::find_key(&self.0.db, secret.tenant, secret.id)
                    .await?
                    .map(Arc::new),
            )
        };
        let stored = self
            .0
            .keys
            .try_get_with((secret.tenant, secret.id), load)
            .await
            .map_err(shared)?
            .ok_or_else(unauthenticated)?;
        let now = self.0.clock.now();
        let right = opaque::same(&stored.secret_hash, &secret.hash());
        let alive = stored.revoked_at.is_none() && stored.expires_at.is_none_or(|end| end > now);
        if !right || !alive || !may_come_from(&stored.ip_ranges, request) {
            return Err(unauthenticated());
        }
        if !self.0.noted.contains_key(&secret.id) {
            directory::note_use(&self.0.db, secret.tenant, secret.id, now).await?;
            self.0.noted.insert(secret.id, ()).await;
        }
        let tenant = self
            .tenant(secret.tenant)
            .await?
            .ok_or_else(unauthenticated)?;
        let language = tenant.language();
        let principal = Principal {
            tenant,
            actor: Actor::api_key(secret.id),
            user: None,
            api_key: Some(secret.id),
            session: None,
            role: "api_key".to_owned(),
            base_role: "api_key".to_owned(),
            amr: Vec::new(),
            proved_at: None,
            second_factor: false,
            second_factor_required: false,
            grants: Arc::new(Grants::of_scopes(stored.scopes.iter().cloned())),
            reason: None,
        };
        Ok((principal, language))
    }

    /// `X-Tenant-Id` with `X-Reason`: staff acts in a customer's tenant, and that tenant's log says so before anything
    /// else happens. From anybody else the header has no meaning.
    async fn switch_tenant(
        &self,
        principal: &mut Principal,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<(), Problem> {
        let reason = headers
            .get("x-reason")
            .map(|reason| web::Line::<3, 500>::parse(&String::from_utf8_lossy(reason.as_bytes())))
            .transpose()
            .map_err(|_| problems::REASON_REQUIRED.problem())?
            .map(web::Line::into_string);
        principal.reason.clone_from(&reason);
        let Some(wanted) = headers.get("x-tenant-id") else {
            return Ok(());
        };
        let wanted: TenantId = wanted
            .to_str()
            .ok()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| {
                problem::INVALID_HEADER
                    .problem()
                    .argument("header", "X-Tenant-Id")
            })?;
        if reason.is_none() {
            return Err(problems::REASON_REQUIRED.problem());
        }
        let tenant = self
            .tenant(wanted)
            .await?
            .ok_or_else(|| problem::NOT_FOUND.problem())?;
        if let Some(user) = principal.user {
            principal.actor = Actor::superadmin(user);
        }
        principal.tenant = tenant;
        let mut tx = self.0.db.begin(wanted, principal.actor).await?;
        let entry = audit::Entry::new("access.tenant.entered", "tenant", wanted.to_string())
            .change(
                "request",
                serde_json::Value::Null,
                format!("{} {}", request.method(), request.path()),
            );
        audit::record(
            &mut tx,
            request,
            self.0.clock.now(),
            principal.reason.as_deref(),
            entry,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

enum Credential<'a> {
    Token(&'a str),
    Key(&'a str),
}

/// The credential of a request. Two different ones are refused: which counts must not be guessed.
fn credential(headers: &HeaderMap) -> Result<Option<Credential<'_>>, Problem> {
    let one = |name: &str| -> Result<Option<&str>, Problem> {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(Some(value.to_str().map_err(|_| unauthenticated())?)),
            _ => Err(unauthenticated()),
        }
    };
    let bearer = match one("authorization")? {
        Some(value) => {
            let (scheme, token) = value.split_once(' ').ok_or_else(unauthenticated)?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(unauthenticated());
            }
            Some(token.trim())
        }
        None => None,
    };
    match (bearer, one("x-api-key")?) {
        (None, None) => Ok(None),
        (Some(token), None) if token.starts_with(api_key::PREFIX) => {
            Ok(Some(Credential::Key(token)))
        }
        (Some(token), None) => Ok(Some(Credential::Token(token))),
        (None, Some(key)) => Ok(Some(Credential::Key(key.trim()))),
        (Some(_), Some(_)) => Err(unauthenticated()),
    }
}

fn may_come_from(ranges: &[String], request: &RequestInfo) -> bool {
    if ranges.is_empty() {
        return true;
    }
    let Some(address) = request.address() else {
        return false;
    };
    ranges
        .iter()
        .filter_map(|range| range.parse::<ipnet::IpNet>().ok())
        .any(|range| range.contains(&address))
}

/// `401` with the challenge that RFC 6750 asks for.
pub(crate) fn unauthenticated() -> Problem {
    problem::UNAUTHENTICATED
        .problem()
        .header(http::header::WWW_AUTHENTICATE, "Bearer realm=\"revalenz\"")
}

/// An error of a load that several requests waited for.
fn shared(error: Arc<DbError>) -> Problem {
    match error.as_ref() {
        DbError::Unavailable(_) | DbError::LockTimeout | DbError::Contention => {
            problem::UNAVAILABLE.problem()
        }
        other => Problem::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_origin_that_no_browser_sends_is_neither_looked_up_nor_remembered() {
        let gate = Gate::new(
            Db::lazy("postgres://nobody@127.0.0.1:1/none", 1).unwrap(),
            Clock::system(),
            Keyring::parse(&Keyring::generate()).unwrap(),
            GateSettings {
                public_url: "https://api.example.org".to_owned(),
                remember: Duration::from_secs(15),
                local: false,
            },
        );
        let longest = format!("https://{}:65535", "a".repeat(253));
        assert!(gate.tenant_of_origin(&longest).await.is_err());
        let longer = format!("https://{}", "a".repeat(400_000));
        assert_eq!(gate.tenant_of_origin(&longer).await.unwrap(), None);
        gate.0.origins.run_pending_tasks().await;
        assert_eq!(gate.0.origins.entry_count(), 0);
    }
}

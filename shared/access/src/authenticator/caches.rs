//! What a gate remembers: at most [`AppSettings::remember`](super::AppSettings::remember) long, and bounded in number.

use std::{collections::HashMap, sync::Arc, time::Duration};

use db::DbError;
use ids::{ApiKeyId, SessionId, TenantId};
use jsonwebtoken::DecodingKey;
use moka::future::Cache;
use web::{Problem, problem};

use super::Authenticator;
use crate::{
    Tenant, directory,
    directory::{StoredKey, StoredSession},
    token::Claims,
};

/// Bytes of the longest origin: scheme, a host name of 253 letters, a port.
const MAX_ORIGIN_LENGTH: usize = 8 + 253 + 6;

#[derive(Debug)]
pub(super) struct Caches {
    pub(super) tenants: Cache<TenantId, Option<Arc<Tenant>>>,
    pub(super) sessions: Cache<(TenantId, SessionId), Option<Arc<StoredSession>>>,
    pub(super) keys: Cache<(TenantId, ApiKeyId), Option<Arc<StoredKey>>>,
    pub(super) signing_keys: Cache<(), Arc<SigningKeys>>,
    /// Tokens whose signature was right, by their SHA-256: checking one costs a tenth of a millisecond. Good as long as the
    /// key is that checked them.
    pub(super) verified: Cache<[u8; 32], Verified>,
    pub(super) origins: Cache<String, Option<TenantId>>,
    /// Keys whose use was noted within the last minute.
    pub(super) noted: Cache<ApiKeyId, ()>,
}

impl Caches {
    pub(super) fn new(ttl: Duration) -> Self {
        Self {
            tenants: bounded_cache(10_000, ttl),
            sessions: bounded_cache(50_000, ttl),
            keys: bounded_cache(10_000, ttl),
            signing_keys: bounded_cache(1, ttl),
            verified: bounded_cache(50_000, Duration::from_mins(10)),
            origins: bounded_cache(10_000, ttl),
            noted: bounded_cache(10_000, Duration::from_mins(1)),
        }
    }
}

/// What a token says, and the identifier of the key that it was checked with.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub(super) key_id: Arc<str>,
    pub(super) claims: Arc<Claims>,
}

/// The public keys that may verify, by their identifiers.
pub(super) struct SigningKeys(pub(super) HashMap<String, DecodingKey>);

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn bounded_cache<K, V>(most: u64, ttl: Duration) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(most)
        .time_to_live(ttl)
        .build()
}

impl Authenticator {
    /// The tenant, unless it is unknown.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, Problem> {
        let load = async {
            let now = self.clock.now();
            let tenant = directory::find_tenant(&self.db, id, now).await?;
            Ok::<_, DbError>(tenant.map(Arc::new))
        };
        self.caches
            .tenants
            .try_get_with(id, load)
            .await
            .map_err(shared)
    }

    /// The tenant to which a web origin belongs.
    pub async fn tenant_of_origin(&self, origin: &str) -> Result<Option<TenantId>, Problem> {
        // Nobody's: remembering whatever strangers send would let them fill the memory.
        if origin.len() > MAX_ORIGIN_LENGTH {
            return Ok(None);
        }
        let load = directory::find_tenant_by_origin(&self.db, origin);
        self.caches
            .origins
            .try_get_with(origin.to_owned(), load)
            .await
            .map_err(shared)
    }

    /// Whether the origin is remembered as a tenant's.
    pub(crate) async fn is_known_origin(&self, origin: &str) -> bool {
        self.caches.origins.get(origin).await.flatten().is_some()
    }

    /// Forgets what is remembered of a session, so that its end counts at once in this process.
    pub async fn invalidate_session(&self, tenant: TenantId, session: SessionId) {
        self.caches.sessions.invalidate(&(tenant, session)).await;
    }

    /// Forgets all sessions and roles, so that a change of people or roles counts at once in this process.
    pub fn invalidate_people(&self) {
        self.caches.sessions.invalidate_all();
    }

    /// Forgets what is remembered of a tenant, so that its change counts at once in this process.
    pub async fn invalidate_tenant(&self, tenant: TenantId) {
        self.caches.tenants.invalidate(&tenant).await;
        self.caches.origins.invalidate_all();
    }

    /// Forgets what is remembered of a key, so that its end counts at once in this process.
    pub async fn invalidate_key(&self, tenant: TenantId, key: ApiKeyId) {
        self.caches.keys.invalidate(&(tenant, key)).await;
    }

    /// Forgets the public keys, so that a rotation counts at once in this process: also for tokens that were checked with a
    /// key which may verify no longer.
    pub async fn invalidate_signing_keys(&self) {
        self.caches.signing_keys.invalidate(&()).await;
    }
}

/// An error of a load that several requests waited for.
pub(super) fn shared(error: Arc<DbError>) -> Problem {
    match error.as_ref() {
        DbError::Unavailable(_) | DbError::LockTimeout | DbError::Contention => {
            problem::UNAVAILABLE.problem()
        }
        other => Problem::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use db::Db;
    use web::Clock;

    use super::*;
    use crate::AppSettings;

    #[tokio::test]
    async fn an_origin_longer_than_any_host_name_is_neither_looked_up_nor_cached() {
        let settings = AppSettings {
            public_url: "https://api.example.org".to_owned(),
            cache_ttl: Duration::from_secs(15),
            local: false,
            in_flight: 8,
        };
        let db = Db::connect_lazy("postgres://nobody@127.0.0.1:1/none", 1).unwrap();
        let authenticator = Authenticator::new(db, Clock::system(), &settings);
        let longest = format!("https://{}:65535", "a".repeat(253));
        assert!(authenticator.tenant_of_origin(&longest).await.is_err());
        let longer = format!("https://{}", "a".repeat(400_000));
        assert_eq!(authenticator.tenant_of_origin(&longer).await.unwrap(), None);
        authenticator.caches.origins.run_pending_tasks().await;
        assert_eq!(authenticator.caches.origins.entry_count(), 0);
    }
}

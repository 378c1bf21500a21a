//! Caches of the authenticator, bounded in size and by [`AppSettings::cache_ttl`](super::AppSettings::cache_ttl).

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

/// Maximum length of an origin in bytes: scheme, host name of 253 characters, port.
const MAX_ORIGIN_LENGTH: usize = 8 + 253 + 6;

#[derive(Debug)]
pub(super) struct Caches {
    pub(super) tenants: Cache<TenantId, Option<Arc<Tenant>>>,
    pub(super) sessions: Cache<(TenantId, SessionId), Option<Arc<StoredSession>>>,
    pub(super) keys: Cache<(TenantId, ApiKeyId), Option<Arc<StoredKey>>>,
    pub(super) signing_keys: Cache<(), Arc<SigningKeys>>,
    /// Tokens with a verified signature, by their SHA-256: verification takes a tenth of a millisecond. Entries are valid as
    /// long as their key is.
    pub(super) verified: Cache<[u8; 32], Verified>,
    pub(super) origins: Cache<String, Option<TenantId>>,
    /// Keys whose last use was updated within the last minute.
    pub(super) recently_used: Cache<ApiKeyId, ()>,
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
            recently_used: bounded_cache(10_000, Duration::from_mins(1)),
        }
    }
}

/// The claims of a token, and the id of the key that verified it.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub(super) key_id: Arc<str>,
    pub(super) claims: Arc<Claims>,
}

/// The public keys for verification, by key id.
pub(super) struct SigningKeys(pub(super) HashMap<String, DecodingKey>);

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn bounded_cache<K, V>(max: u64, ttl: Duration) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(max).time_to_live(ttl).build()
}

impl Authenticator {
    /// The tenant, if it exists.
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

    /// The tenant that owns a web origin.
    pub async fn tenant_of_origin(&self, origin: &str) -> Result<Option<TenantId>, Problem> {
        // Never cache arbitrarily long values sent by clients.
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

    /// Whether the origin is cached as one of a tenant.
    pub(crate) async fn is_known_origin(&self, origin: &str) -> bool {
        self.caches.origins.get(origin).await.flatten().is_some()
    }

    /// Removes a session from the cache, so that its end takes effect at once in this process.
    pub async fn invalidate_session(&self, tenant: TenantId, session: SessionId) {
        self.caches.sessions.invalidate(&(tenant, session)).await;
    }

    /// Removes all sessions from the cache, so that a change of people or roles takes effect at once in this process.
    pub fn invalidate_people(&self) {
        self.caches.sessions.invalidate_all();
    }

    /// Removes a tenant from the cache, so that a change takes effect at once in this process.
    pub async fn invalidate_tenant(&self, tenant: TenantId) {
        self.caches.tenants.invalidate(&tenant).await;
        self.caches.origins.invalidate_all();
    }

    /// Removes an API key from the cache, so that a change takes effect at once in this process.
    pub async fn invalidate_key(&self, tenant: TenantId, key: ApiKeyId) {
        self.caches.keys.invalidate(&(tenant, key)).await;
    }

    /// Removes the public keys from the cache, so that a rotation takes effect at once in this process, also for tokens that
    /// were verified with a retired key.
    pub async fn invalidate_signing_keys(&self) {
        self.caches.signing_keys.invalidate(&()).await;
    }
}

/// The error of a load shared by several requests.
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
        let db = Db::connect_lazy("postgres://test@127.0.0.1:1/none", 1).unwrap();
        let authenticator = Authenticator::new(db, Clock::system(), &settings);
        let longest = format!("https://{}:65535", "a".repeat(253));
        assert!(authenticator.tenant_of_origin(&longest).await.is_err());
        let longer = format!("https://{}", "a".repeat(400_000));
        assert_eq!(authenticator.tenant_of_origin(&longer).await.unwrap(), None);
        authenticator.caches.origins.run_pending_tasks().await;
        assert_eq!(authenticator.caches.origins.entry_count(), 0);
    }
}

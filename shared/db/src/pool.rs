//! The connection pool, private to this crate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use ids::TenantId;
use sqlx::{
    PgPool, Postgres, SqlSafeStr, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{sync::Semaphore, time::Instant};

use crate::{Actor, Result, TenantTx, UnscopedTx, migrate, tenant_tx::Access};

/// Time limit for getting a connection. Timeouts of connections, locks and statements are below the 10 s of a response.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// Time limit for opening a connection, independent of how long a caller waits for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval at which a waiting caller checks for another free connection.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A function's access to its database, under its own login.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    /// Number of transactions waiting for a connection or the response to `begin`.
    waiting: Arc<AtomicU32>,
    /// Permits one connection attempt to continue in the background after its caller has given up.
    background_connect: Arc<Semaphore>,
    probe: Option<LockProbe>,
}

/// Disables one of the two locks on tenant data, so that a test can verify the other one alone.
///
/// A transaction for `attacker` then says `tenant_id = bound` in its SQL while row-level security sees
/// `setting`.
#[derive(Clone, Copy, Debug)]
pub struct LockProbe {
    /// The tenant whose transactions are affected.
    pub attacker: TenantId,
    /// The tenant bound in statements.
    pub bound: TenantId,
    /// The tenant in `app.tenant_id`.
    pub setting: TenantId,
}

/// Counts a waiting transaction until dropped.
struct WaitGuard(Arc<AtomicU32>);

impl WaitGuard {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Db {
    /// Creates a pool of at most `connections` that connects at first use.
    pub fn connect_lazy(url: &str, connections: u32) -> Result<Self> {
        let options = url
            .parse::<PgConnectOptions>()?
            .application_name("revalenz")
            .options([
                ("statement_timeout", "5s"),
                ("lock_timeout", "1s"),
                ("idle_in_transaction_session_timeout", "10s"),
            ]);
        #[expect(
            clippy::disallowed_methods,
            reason = "the only place that creates a pool"
        )]
        let pool = PgPoolOptions::new()
            // Zero would panic in sqlx.
            .max_connections(connections.max(1))
            .acquire_timeout(CONNECT_TIMEOUT)
            // Returning a connection to the pool already pings the server.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            waiting: Arc::default(),
            background_connect: Arc::new(Semaphore::new(1)),
            probe: None,
        })
    }

    /// The same database with one lock disabled. For isolation tests only.
    #[doc(hidden)]
    pub fn with_probe(&self, probe: LockProbe) -> Self {
        Self {
            pool: self.pool.clone(),
            waiting: self.waiting.clone(),
            background_connect: self.background_connect.clone(),
            probe: Some(probe),
        }
    }

    /// Opens a transaction for one tenant, one actor and one time, in one round trip.
    pub async fn begin(
        &self,
        tenant: TenantId,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<TenantTx> {
        self.begin_for(tenant, actor, now, Access::Write).await
    }

    /// Like [`begin`](Self::begin), but read-only: PostgreSQL rejects writes. Saves the round trip of the commit.
    pub async fn begin_read_only(
        &self,
        tenant: TenantId,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<TenantTx> {
        self.begin_for(tenant, actor, now, Access::Read).await
    }

    async fn begin_for(
        &self,
        tenant: TenantId,
        actor: Actor,
        now: DateTime<Utc>,
        access: Access,
    ) -> Result<TenantTx> {
        let (bound, setting) = match self.probe {
            Some(probe) if probe.attacker == tenant => (probe.bound, probe.setting),
            _ => (tenant, tenant),
        };
        let begin = match access {
            Access::Read => "begin read only",
            Access::Write => "begin",
        };
        // A typed UUID: nothing to inject.
        let begin = format!("{begin}; set local app.tenant_id = '{setting}'");
        let tx = self.begin_with(begin).await?;
        Ok(TenantTx::new(tx, bound, actor, now, access))
    }

    /// Opens a transaction without a tenant. Row-level security hides all tenant rows; only the allowed definer functions and
    /// tables without tenants are usable.
    pub async fn begin_unscoped(&self) -> Result<UnscopedTx> {
        let tx = self.begin_with("begin".to_owned()).await?;
        Ok(UnscopedTx::new(tx))
    }

    /// Begins in a separate task, which completes even if the caller is cancelled.
    ///
    /// sqlx 0.9.0 forgets a transaction whose `begin` is cancelled (its issue 4393): the connection would return to the pool
    /// inside the transaction, with the tenant still set. Here the finished transaction is dropped and rolled back.
    async fn begin_with(&self, begin: String) -> Result<Transaction<'static, Postgres>> {
        let (pool, background_connect) = (self.pool.clone(), self.background_connect.clone());
        let guard = WaitGuard::new(&self.waiting);
        let task = tokio::spawn(async move {
            let _guard = guard;
            let connection = acquire(pool, background_connect).await?;
            let begin = sqlx::AssertSqlSafe(begin).into_sql_str();
            Transaction::begin(connection, Some(begin)).await
        });
        Ok(task.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))?)
    }

    /// Updates the gauges of this pool: connections by state, limit, and waiting transactions.
    pub fn record_metrics(&self, pool: &'static str) {
        let size = self.pool.size();
        let idle = u32::try_from(self.pool.num_idle()).map_or(size, |idle| idle.min(size));
        let set = |state: &'static str, count: u32| {
            metrics::gauge!("db_pool_connections", "pool" => pool, "state" => state).set(count);
        };
        set("idle", idle);
        set("in_use", size - idle);
        let limit = self.pool.options().get_max_connections();
        metrics::gauge!("db_pool_limit", "pool" => pool).set(limit);
        let waiting = self.waiting.load(Ordering::Relaxed);
        metrics::gauge!("db_pool_waiting", "pool" => pool).set(waiting);
    }

    /// Checks that the database responds and has at least the migrations of this binary.
    pub async fn ready(&self) -> Result<(), String> {
        let mut tx = self
            .begin_with("begin read only".to_owned())
            .await
            .map_err(|error| error.to_string())?;
        let applied = sqlx::query_scalar::<_, Option<i64>>(
            "select max(version) from public._sqlx_migrations where success",
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| error.to_string())?;
        match applied {
            Some(version) if version >= migrate::expected_version() => Ok(()),
            other => Err(format!(
                "migration {} expected, {other:?} found",
                migrate::expected_version()
            )),
        }
    }

    /// Closes all connections, at the end of a process.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Gets a connection: the one that the pool opens, or any other that becomes free earlier.
///
/// Once sqlx decides to open a connection it keeps trying, even if the server has none left while connections of this process
/// are returned: on a full server every caller would wait for a second and fail. An attempt that is given up after a second
/// would start again with the next caller: on a busy machine, where connecting takes longer, none would ever succeed.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that begins transactions"
)]
async fn acquire(
    pool: PgPool,
    background_connect: Arc<Semaphore>,
) -> sqlx::Result<PoolConnection<Postgres>> {
    let mut first = Box::pin(pool.acquire());
    let end = Instant::now() + ACQUIRE_TIMEOUT;
    let acquired = loop {
        if let Ok(acquired) = tokio::time::timeout(POLL_INTERVAL, &mut first).await {
            return acquired;
        }
        if let Some(spare) = pool.try_acquire() {
            break Ok(spare);
        }
        if Instant::now() >= end {
            break Err(sqlx::Error::PoolTimedOut);
        }
    };
    if let Ok(permit) = background_connect.try_acquire_owned() {
        tokio::spawn(async move {
            let _permit = permit;
            // The connection goes to the pool.
            drop(first.await);
        });
    }
    acquired
}

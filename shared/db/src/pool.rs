//! The pool, which never leaves this crate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use ids::TenantId;
use sqlx::{
    PgPool, Postgres, SqlSafeStr, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{sync::Semaphore, time::Instant};

use crate::{Actor, Result, TenantTx, UnscopedTx, migrate, tenant_tx::Access};

/// Waiting for a connection, a lock, a statement: deadlines nest below the 10 s of an answer.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(1);
/// How long a connection may take to come about, however long who wanted it has waited.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// After so long without a connection it is looked whether another one has become free, and again each time.
const SPARE_AFTER: Duration = Duration::from_millis(50);

/// A function's access to its database, under its own login.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    /// How many transactions wait for a connection, or for the answer to their first word.
    beginning: Arc<AtomicU32>,
    /// One attempt at a connection may go on without anybody who waits for it.
    going_on: Arc<Semaphore>,
    probe: Option<LockProbe>,
}

/// Opens one of the two locks on tenant data, so that a test can see the other hold alone.
///
/// A transaction for `attacker` then says `tenant_id = bound` in its SQL while row-level security sees
/// `setting`.
#[derive(Clone, Copy, Debug)]
pub struct LockProbe {
    /// Whose requests are bent; all others stay as they are.
    pub attacker: TenantId,
    /// What the statements are bound to.
    pub bound: TenantId,
    /// What `app.tenant_id` says.
    pub setting: TenantId,
}

/// One of those that wait, however its waiting ends.
struct Counted(Arc<AtomicU32>);

impl Counted {
    fn one_more(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Db {
    /// A pool that connects at the first use, with at most `connections`.
    pub fn connect_lazy(url: &str, connections: u32) -> Result<Self> {
        let options = url
            .parse::<PgConnectOptions>()?
            .application_name("revalenz")
            .options([
                ("statement_timeout", "5s"),
                ("lock_timeout", "1s"),
                ("idle_in_transaction_session_timeout", "10s"),
            ]);
        #[expect(clippy::disallowed_methods, reason = "the one place that makes a pool")]
        let pool = PgPoolOptions::new()
            // None at all would be a panic in sqlx, and no database.
            .max_connections(connections.max(1))
            .acquire_timeout(CONNECT_LIMIT)
            // Returning a connection already asks the server for a sign of life.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            beginning: Arc::default(),
            going_on: Arc::new(Semaphore::new(1)),
            probe: None,
        })
    }

    /// The same database with one lock opened. For the isolation tests only.
    #[doc(hidden)]
    pub fn with_probe(&self, probe: LockProbe) -> Self {
        Self {
            pool: self.pool.clone(),
            beginning: self.beginning.clone(),
            going_on: self.going_on.clone(),
            probe: Some(probe),
        }
    }

    /// Opens a transaction for one tenant and one actor: one round trip.
    pub async fn begin(&self, tenant: TenantId, actor: Actor) -> Result<TenantTx> {
        self.begin_for(tenant, actor, Access::Write).await
    }

    /// The same for reading only, which saves a round trip at the end: nothing can be lost, so nobody waits for a commit.
    ///
    /// PostgreSQL refuses every write in it.
    pub async fn begin_read_only(&self, tenant: TenantId, actor: Actor) -> Result<TenantTx> {
        self.begin_for(tenant, actor, Access::Read).await
    }

    async fn begin_for(&self, tenant: TenantId, actor: Actor, access: Access) -> Result<TenantTx> {
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
        Ok(TenantTx::new(tx, bound, actor, access))
    }

    /// Opens a transaction without a tenant: row-level security shows it no row, only the listed definer
    /// functions and the tables without tenants answer.
    pub async fn begin_unscoped(&self) -> Result<UnscopedTx> {
        let tx = self.begin_with("begin".to_owned()).await?;
        Ok(UnscopedTx::new(tx))
    }

    /// Begins in a task of its own, which ends also when whoever wants the transaction has hung up meanwhile.
    ///
    /// sqlx 0.9.0 forgets a transaction whose beginning is cancelled (its issue 4393): the connection would go back to
    /// the pool inside it, with the tenant still set. Here nobody takes what was begun, and it is rolled back.
    async fn begin_with(&self, begin: String) -> Result<Transaction<'static, Postgres>> {
        let (pool, going_on) = (self.pool.clone(), self.going_on.clone());
        let beginning = Counted::one_more(&self.beginning);
        let task = tokio::spawn(async move {
            let _beginning = beginning;
            let connection = acquire(pool, going_on).await?;
            let begin = sqlx::AssertSqlSafe(begin).into_sql_str();
            Transaction::begin(connection, Some(begin)).await
        });
        Ok(task.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))?)
    }

    /// Sets the gauges of this pool: its connections by what they do, how many there may be, who waits for one.
    pub fn measure(&self, pool: &'static str) {
        let size = self.pool.size();
        let idle = u32::try_from(self.pool.num_idle()).map_or(size, |idle| idle.min(size));
        let set = |state: &'static str, count: u32| {
            metrics::gauge!("db_pool_connections", "pool" => pool, "state" => state).set(count);
        };
        set("idle", idle);
        set("in_use", size - idle);
        let limit = self.pool.options().get_max_connections();
        metrics::gauge!("db_pool_limit", "pool" => pool).set(limit);
        let waiting = self.beginning.load(Ordering::Relaxed);
        metrics::gauge!("db_pool_waiting", "pool" => pool).set(waiting);
    }

    /// Whether the database answers and knows at least the migrations that this binary was built with.
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
                "migration {} wanted, {other:?} found",
                migrate::expected_version()
            )),
        }
    }

    /// Closes every connection; for the end of a process.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The connection that the pool opens or hands over, or any that has become free before.
///
/// Whom sqlx has told to open a connection tries to, also at a server that has none left, while those of this process come back:
/// on a full server everybody would wait for a second and then fail. And what was given up after a second would begin anew with
/// the next who asks: on a busy machine, on which a connection takes longer, none would ever come about.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that begins begins on it"
)]
async fn acquire(pool: PgPool, going_on: Arc<Semaphore>) -> sqlx::Result<PoolConnection<Postgres>> {
    let mut first = Box::pin(pool.acquire());
    let end = Instant::now() + ACQUIRE_LIMIT;
    let acquired = loop {
        if let Ok(acquired) = tokio::time::timeout(SPARE_AFTER, &mut first).await {
            return acquired;
        }
        if let Some(spare) = pool.try_acquire() {
            break Ok(spare);
        }
        if Instant::now() >= end {
            break Err(sqlx::Error::PoolTimedOut);
        }
    };
    if let Ok(place) = going_on.try_acquire_owned() {
        tokio::spawn(async move {
            let _place = place;
            // Nobody takes it; the pool has it then.
            drop(first.await);
        });
    }
    acquired
}

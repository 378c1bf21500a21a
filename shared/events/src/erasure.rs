//! What a closed tenant leaves behind, and how each function clears it away.
//!
//! A function hears that a tenant is closed, and notes that it has rows of it to erase. Its job then deletes them table by
//! table, a portion a transaction, and notes when nothing was left: `events.erasures` is the proof. What is not in the
//! function's list stays, and a test of the platform says of every table which it is.

use chrono::{DateTime, TimeDelta, Utc};
use db::{Actor, Db, DbError, Result, TenantTx};
use ids::TenantId;
use serde::Serialize;
use sqlx::AssertSqlSafe;
use web::Problem;

/// The event after which a tenant's rows go.
pub const TENANT_CLOSED: &str = "de.revalenz.tenancy.tenant.closed.v1";

/// Rows that one transaction deletes.
const PORTION: i64 = 2_000;
/// How long every process may still believe that the tenant is there (15 s), and some more.
const LAST_WRITES: TimeDelta = TimeDelta::minutes(2);

/// What a function erases.
#[derive(Clone, Copy, Debug)]
pub struct Erasure {
    /// The function.
    pub function: &'static str,
    /// Its tables as `schema.table`, what refers to others before what it refers to.
    pub tables: &'static [&'static str],
}

/// What a run has done.
#[derive(Debug, Default, Serialize)]
pub struct Erased {
    /// Tenants of whom nothing is left here.
    pub tenants: u64,
    /// Tenants with rows to which other functions still refer: they are tried again.
    pub waiting: u64,
    /// Rows.
    pub rows: u64,
}

impl Erasure {
    /// Notes that the tenant of this transaction is to be erased. Nothing happens to one that is not closed, whatever an event
    /// says.
    pub async fn request(&self, tx: &mut TenantTx, now: DateTime<Utc>) -> Result<()> {
        let tenant = tx.tenant();
        sqlx::query!(
            "insert into events.erasures (tenant_id, function, requested_at)
            select t.tenant_id, $2, $3
            from access.tenants t
            where t.tenant_id = $1 and t.status = 'closed'
            on conflict on constraint erasures_pkey do nothing",
            tenant as _,
            self.function,
            now,
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// Erases what is left of all closed tenants. May be cut off anywhere: the next run goes on.
    pub async fn run(&self, db: &Db, now: DateTime<Utc>) -> Result<Erased, Problem> {
        let mut erased = Erased::default();
        let mut trouble = None;
        for tenant in self.due(db, now).await? {
            match self.erase(db, tenant, now).await {
                Ok(rows) => {
                    erased.rows += rows;
                    erased.tenants += 1;
                }
                // Somebody still refers to a row, or holds one.
                Err(DbError::Constraint { name, .. }) => {
                    tracing::info!(%tenant, function = self.function, constraint = name, "erasure waits");
                    erased.waiting += 1;
                }
                Err(DbError::LockTimeout | DbError::Contention) => erased.waiting += 1,
                // It fails in the end, after the others had their turn.
                Err(error) => {
                    tracing::error!(%tenant, function = self.function, %error, "not erased");
                    trouble = Some(error);
                }
            }
        }
        trouble.map_or(Ok(erased), |error| Err(error.into()))
    }

    /// The tenants that [`run`](Self::run) would erase at `now`: a function that has more than rows erases that first.
    pub async fn due(&self, db: &Db, now: DateTime<Utc>) -> Result<Vec<TenantId>> {
        let mut tx = db.begin_unscoped().await?;
        let tenants = sqlx::query_scalar!(
            r#"select events.open_erasures($1, $2) as "id!: TenantId""#,
            self.function,
            now - LAST_WRITES,
        )
        .fetch_all(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(tenants)
    }

    async fn erase(&self, db: &Db, tenant: TenantId, now: DateTime<Utc>) -> Result<u64> {
        let mut all = 0;
        for table in self.tables {
            loop {
                let rows = self.erase_portion(db, tenant, table).await?;
                all += rows;
                if rows == 0 {
                    break;
                }
            }
        }
        let mut tx = db.begin(tenant, Actor::SYSTEM).await?;
        sqlx::query!(
            "update events.erasures
            set erased_at = $3
            where tenant_id = $1 and function = $2",
            tenant as _,
            self.function,
            now,
        )
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(all)
    }

    async fn erase_portion(&self, db: &Db, tenant: TenantId, table: &'static str) -> Result<u64> {
        let mut tx = db.begin(tenant, Actor::SYSTEM).await?;
        // The table's name stands in our own source.
        let delete = format!(
            "delete from {table}
            where tenant_id = $1 and ctid = any (array(
                select d.ctid
                from {table} d
                join access.tenants t on t.tenant_id = d.tenant_id
                where d.tenant_id = $1 and t.status = 'closed'
                limit $2
            ))"
        );
        let deleted = sqlx::query(AssertSqlSafe(delete))
            .bind(tenant)
            .bind(PORTION)
            .execute(tx.conn())
            .await?
            .rows_affected();
        let rows = i64::try_from(deleted).unwrap_or(i64::MAX);
        sqlx::query!(
            "update events.erasures
            set erased_rows = erased_rows + $3
            where tenant_id = $1 and function = $2",
            tenant as _,
            self.function,
            rows,
        )
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        metrics::counter!("erased_rows_total", "function" => self.function).increment(deleted);
        Ok(deleted)
    }
}

//! Erasure of a closed tenant's data, by each function.
//!
//! When a tenant is closed, each function records an erasure request. Its job then deletes the rows table by table, one batch
//! per transaction, and records when nothing is left: `events.erasures` is the evidence. Which tables it deletes, and in which
//! order, follows from the declarations of the tables ([`db::tables`]).

use chrono::{DateTime, TimeDelta, Utc};
use db::{
    Actor, Db, DbError, Result, TenantTx,
    tables::{Closure, Table},
};
use ids::TenantId;
use serde::Serialize;
use sqlx::AssertSqlSafe;
use web::Problem;

/// The event that triggers the erasure of a tenant.
pub const TENANT_CLOSED: &str = "de.revalenz.tenancy.tenant.closed.v1";

/// Rows deleted per transaction.
const BATCH_SIZE: i64 = 2_000;
/// Delay before erasure: processes may have the tenant cached as open for 15 s.
const ERASURE_DELAY: TimeDelta = TimeDelta::minutes(2);

/// The data that a function erases.
#[derive(Clone, Copy, Debug)]
pub struct Erasure {
    /// The function.
    pub function: &'static str,
    /// Its own tables. It also erases the shared tables that name it.
    pub tables: &'static [Table],
}

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub struct Erased {
    /// Tenants that are completely erased.
    pub tenants: u64,
    /// Tenants with rows that other functions still reference; they are retried.
    pub waiting: u64,
    /// Number of deleted rows.
    pub rows: u64,
}

impl Erasure {
    /// The tables that it erases, as `schema.table`; referencing tables before the tables they reference.
    pub fn table_names(&self) -> impl Iterator<Item = &'static str> {
        let closure = Closure::ErasedBy(self.function);
        [self.tables, access::TABLES, crate::TABLES]
            .into_iter()
            .flatten()
            .filter(move |table| table.closure == closure)
            .map(|table| table.name)
    }

    /// Requests the erasure of the transaction's tenant. Has no effect unless the tenant is closed, whatever the event says.
    pub async fn request(&self, tx: &mut TenantTx) -> Result<()> {
        let (tenant, now) = (tx.tenant(), tx.now());
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

    /// Erases all closed tenants. May be interrupted at any point; the next run continues.
    pub async fn run(&self, db: &Db, now: DateTime<Utc>) -> Result<Erased, Problem> {
        let mut erased = Erased::default();
        let mut last_error = None;
        for tenant in self.list_due(db, now).await? {
            match self.erase(db, tenant, now).await {
                Ok(rows) => {
                    erased.rows += rows;
                    erased.tenants += 1;
                }
                // A row is still referenced or locked.
                Err(DbError::Constraint { name, .. }) => {
                    tracing::info!(%tenant, function = self.function, constraint = name, "erasure waits");
                    erased.waiting += 1;
                }
                Err(DbError::LockTimeout | DbError::Contention) => erased.waiting += 1,
                // The run fails in the end, after processing the other tenants.
                Err(error) => {
                    tracing::error!(%tenant, function = self.function, %error, "not erased");
                    last_error = Some(error);
                }
            }
        }
        last_error.map_or(Ok(erased), |error| Err(error.into()))
    }

    /// Lists the tenants that [`run`](Self::run) would erase at `now`, for functions that have other data to erase first.
    pub async fn list_due(&self, db: &Db, now: DateTime<Utc>) -> Result<Vec<TenantId>> {
        let mut tx = db.begin_unscoped().await?;
        let tenants = sqlx::query_scalar!(
            r#"select events.open_erasures($1, $2) as "id!: TenantId""#,
            self.function,
            now - ERASURE_DELAY,
        )
        .fetch_all(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(tenants)
    }

    async fn erase(&self, db: &Db, tenant: TenantId, now: DateTime<Utc>) -> Result<u64> {
        let mut all = 0;
        for table in self.table_names() {
            loop {
                let rows = self.erase_batch(db, tenant, table, now).await?;
                all += rows;
                if rows == 0 {
                    break;
                }
            }
        }
        let mut tx = db.begin(tenant, Actor::SYSTEM, now).await?;
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

    async fn erase_batch(
        &self,
        db: &Db,
        tenant: TenantId,
        table: &'static str,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let mut tx = db.begin(tenant, Actor::SYSTEM, now).await?;
        // Table names are constants in our own code.
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
            .bind(BATCH_SIZE)
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

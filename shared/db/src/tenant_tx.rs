//! Transactions.

use chrono::{DateTime, Utc};
use ids::TenantId;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{Actor, Result};

/// A transaction that sees a single tenant. Rolled back if dropped without [`TenantTx::commit`].
#[derive(Debug)]
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    tenant: TenantId,
    actor: Actor,
    now: DateTime<Utc>,
    access: Access,
}

/// The access mode of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl TenantTx {
    pub(crate) fn new(
        tx: Transaction<'static, Postgres>,
        tenant: TenantId,
        actor: Actor,
        now: DateTime<Utc>,
        access: Access,
    ) -> Self {
        Self {
            tx,
            tenant,
            actor,
            now,
            access,
        }
    }

    /// The tenant, which every statement binds as `tenant_id = $1`.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The actor.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// The time of everything that this transaction does, by the caller's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The connection for sqlx: `.fetch_one(tx.conn())`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Switches to another tenant within the same transaction.
    ///
    /// Only for changes that must be atomic across two tenants, such as provisioning a tenant.
    pub async fn switch_tenant(&mut self, tenant: TenantId, actor: Actor) -> Result<()> {
        // A typed UUID: nothing to inject.
        let statement = format!("set local app.tenant_id = '{tenant}'");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(self.conn())
            .await?;
        self.tenant = tenant;
        self.actor = actor;
        Ok(())
    }

    /// Disables generic plans for the statements of this transaction.
    ///
    /// For parameters with thousands of elements: a plan cached while the table was small compares each row with each element.
    pub async fn force_custom_plans(&mut self) -> Result<()> {
        sqlx::query("set local plan_cache_mode = force_custom_plan")
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Commits the transaction.
    pub async fn commit(self) -> Result<()> {
        match self.access {
            Access::Write => Ok(self.tx.commit().await?),
            // When dropped, the rollback is pipelined with the pool's own ping of the connection.
            Access::Read => Ok(()),
        }
    }
}

/// A transaction without a tenant.
#[derive(Debug)]
pub struct UnscopedTx {
    tx: Transaction<'static, Postgres>,
}

impl UnscopedTx {
    pub(crate) fn new(tx: Transaction<'static, Postgres>) -> Self {
        Self { tx }
    }

    /// The connection for sqlx: `.fetch_one(tx.conn())`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Commits the transaction.
    pub async fn commit(self) -> Result<()> {
        Ok(self.tx.commit().await?)
    }
}

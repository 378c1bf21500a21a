//! Transactions.

use ids::TenantId;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{Actor, Result};

/// A transaction that sees one tenant. Dropped without [`TenantTx::commit`], it never happened.
#[derive(Debug)]
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    tenant: TenantId,
    actor: Actor,
    access: Access,
}

/// What a transaction may do.
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
        access: Access,
    ) -> Self {
        Self {
            tx,
            tenant,
            actor,
            access,
        }
    }

    /// The tenant that every statement binds as `tenant_id = $1`.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Who acts.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// For sqlx: `.fetch_one(tx.conn())`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Turns to another tenant within the same transaction, and lets go of the one before.
    ///
    /// For the acts that must happen in two tenants or in none: staff founds a tenant.
    pub async fn switch_tenant(&mut self, tenant: TenantId, actor: Actor) -> Result<()> {
        // A typed UUID: nothing to inject.
        let turn = format!("set local app.tenant_id = '{tenant}'");
        sqlx::query(sqlx::AssertSqlSafe(turn))
            .execute(self.conn())
            .await?;
        self.tenant = tenant;
        self.actor = actor;
        Ok(())
    }

    /// Has every statement of this transaction planned for the values that it is given.
    ///
    /// For lists of thousands: with a plan kept from when the table was small, each row is compared with each element.
    pub async fn force_custom_plans(&mut self) -> Result<()> {
        sqlx::query("set local plan_cache_mode = force_custom_plan")
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Makes it so.
    pub async fn commit(self) -> Result<()> {
        match self.access {
            Access::Write => Ok(self.tx.commit().await?),
            // Dropped, it ends with a rollback that travels together with the pool's own question to the connection.
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

    /// For sqlx: `.fetch_one(tx.conn())`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Makes it so.
    pub async fn commit(self) -> Result<()> {
        Ok(self.tx.commit().await?)
    }
}

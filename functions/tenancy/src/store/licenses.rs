//! Licences: superseded, never edited.

use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx};
use ids::LicenseId;
use serde_json::Value;

use crate::domain::license::LicenseType;

/// The limits of the licence in force.
pub async fn limits_in_force(tx: &mut TenantTx) -> Result<Option<Value>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select limits
        from tenancy.licenses
        where tenant_id = $1 and valid_to is null",
        tenant as _,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)
}

/// Ends the licence in force, if there is one, and puts another into force.
pub async fn supersede(
    tx: &mut TenantTx,
    plan: LicenseType,
    seats: i32,
    limits: &Value,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update tenancy.licenses
        set valid_to = $2
        where tenant_id = $1 and valid_to is null",
        tenant as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into tenancy.licenses (tenant_id, license_id, plan, seats, limits, valid_from, created_at)
        values ($1, $2, $3, $4, $5, $6, $6)",
        tenant as _,
        LicenseId::at(now) as _,
        plan.as_str(),
        seats,
        limits,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

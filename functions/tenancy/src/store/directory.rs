//! `access.tenants`: what every function must know of a tenant, written beside every change of it.

use db::{Result, TenantTx};
use serde_json::Value;

use super::tenants::TenantRow;
use crate::domain::mirror::Mirror;

/// Makes a new tenant known; what its licence and flags say comes with [`mirror`].
pub async fn insert(tx: &mut TenantTx, row: &TenantRow, settings: Value) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into access.tenants (
            tenant_id, slug, name, status, settings,
            max_users, locale, time_zone, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant as _,
        row.slug,
        row.name,
        row.status.as_str(),
        settings,
        row.max_users,
        row.locale,
        row.time_zone,
        row.created_at,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Master data.
pub async fn update(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.tenants
        set name = $2, locale = $3, time_zone = $4,
            settings = jsonb_set(settings, '{locale}', to_jsonb($3::text)), updated_at = $5
        where tenant_id = $1",
        tenant as _,
        row.name,
        row.locale,
        row.time_zone,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Where it stands: within 15 seconds every process knows.
pub async fn set_status(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.tenants
        set status = $2, updated_at = $3
        where tenant_id = $1",
        tenant as _,
        row.status.as_str(),
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The settings that every function reads.
pub async fn settings(tx: &mut TenantTx) -> Result<Option<Value>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select settings
        from access.tenants
        where tenant_id = $1",
        tenant as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Settings in force, complete.
pub async fn set_settings(tx: &mut TenantTx, row: &TenantRow, settings: Value) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.tenants
        set settings = $2, locale = $3, updated_at = $4
        where tenant_id = $1",
        tenant as _,
        settings,
        row.locale,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What licence and flags say, now and later.
pub async fn mirror(tx: &mut TenantTx, row: &TenantRow, mirror: Mirror) -> Result<()> {
    let tenant = tx.tenant();
    let (limits, max_users) = mirror.agreed.unzip();
    sqlx::query!(
        "update access.tenants
        set features = $2, limits = coalesce($3, limits), max_users = coalesce($4, max_users),
            upcoming = $5, updated_at = $6
        where tenant_id = $1",
        tenant as _,
        Value::Object(mirror.features),
        limits.map(Value::Object),
        max_users,
        serde_json::to_value(mirror.upcoming).unwrap_or_default(),
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! `access.tenants`: what every function must know of a tenant, written beside every change of it.

use db::{Result, TenantTx};
use serde_json::{Map, Value};

use super::tenants::TenantRow;

/// What the mirror holds besides master data.
#[derive(Debug)]
pub struct Mirrored {
    pub features: Map<String, Value>,
    pub settings: Value,
    pub limits: Value,
}

/// Makes a new tenant known.
pub async fn insert(tx: &mut TenantTx, row: &TenantRow, mirrored: Mirrored) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into access.tenants (
            tenant_id, slug, name, status, features, settings, limits,
            max_users, locale, time_zone, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant as _,
        row.slug,
        row.name,
        row.status.as_str(),
        Value::Object(mirrored.features),
        mirrored.settings,
        mirrored.limits,
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

/// Master data; `limits` when another licence is in force.
pub async fn update(tx: &mut TenantTx, row: &TenantRow, limits: Option<Value>) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.tenants
        set name = $2, max_users = $3, locale = $4, time_zone = $5,
            limits = coalesce($6, limits), settings = jsonb_set(settings, '{locale}', to_jsonb($4::text)), updated_at = $7
        where tenant_id = $1",
        tenant as _,
        row.name,
        row.max_users,
        row.locale,
        row.time_zone,
        limits,
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

/// Feature flags.
pub async fn set_features(
    tx: &mut TenantTx,
    row: &TenantRow,
    features: Map<String, Value>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.tenants
        set features = $2, updated_at = $3
        where tenant_id = $1",
        tenant as _,
        Value::Object(features),
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

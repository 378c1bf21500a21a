//! What the platform has set for everybody who chose nothing, a row a key. It belongs to no tenant.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use serde_json::{Map, Value};

/// All keys that are set.
pub async fn list(tx: &mut TenantTx) -> Result<Map<String, Value>> {
    let rows = sqlx::query!(
        "select key, value
        from tenancy.platform_settings"
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}

/// Sets keys.
pub async fn set(
    tx: &mut TenantTx,
    keys: &[String],
    values: &[Value],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into tenancy.platform_settings (key, value, updated_at)
        select n.key, n.value, $3
        from unnest($1::text[], $2::jsonb[]) n (key, value)
        on conflict on constraint platform_settings_pkey do update
        set value = excluded.value, updated_at = excluded.updated_at",
        keys,
        values,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Goes back to the defaults in the code.
pub async fn reset(tx: &mut TenantTx, keys: &[String]) -> Result<()> {
    sqlx::query!(
        "delete from tenancy.platform_settings
        where key = any($1)",
        keys,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

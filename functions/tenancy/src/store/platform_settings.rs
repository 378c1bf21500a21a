//! Settings of the platform, one row per key. They belong to no tenant.

use db::{Result, TenantTx};
use serde_json::{Map, Value};

/// Lists all keys that are set.
pub(crate) async fn list_platform_settings(tx: &mut TenantTx) -> Result<Map<String, Value>> {
    let rows = sqlx::query!(
        "select key, value
        from tenancy.platform_settings"
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}

/// Sets keys.
pub(crate) async fn upsert_platform_settings(
    tx: &mut TenantTx,
    keys: &[String],
    values: &[Value],
) -> Result<()> {
    let now = tx.now();
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

/// Deletes keys, which restores the built-in defaults.
pub(crate) async fn delete_platform_settings(tx: &mut TenantTx, keys: &[String]) -> Result<()> {
    sqlx::query!(
        "delete from tenancy.platform_settings
        where key = any($1)",
        keys,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! Settings of a tenant, one row per key.

use db::{Result, TenantTx};
use serde_json::{Map, Value};

/// Lists all keys that are set.
pub(crate) async fn list_settings(tx: &mut TenantTx) -> Result<Map<String, Value>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "select key, value
        from tenancy.settings
        where tenant_id = $1",
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}

/// Sets keys.
pub(crate) async fn upsert_settings(
    tx: &mut TenantTx,
    keys: &[String],
    values: &[Value],
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into tenancy.settings (tenant_id, key, value, updated_at)
        select $1, n.key, n.value, $4
        from unnest($2::text[], $3::jsonb[]) n (key, value)
        on conflict on constraint settings_pkey do update
        set value = excluded.value, updated_at = excluded.updated_at",
        tenant as _,
        keys,
        values,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes keys, which restores the inherited values.
pub(crate) async fn delete_settings(tx: &mut TenantTx, keys: &[String]) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from tenancy.settings
        where tenant_id = $1 and key = any($2)",
        tenant as _,
        keys,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

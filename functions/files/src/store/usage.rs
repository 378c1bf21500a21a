//! SQL for a tenant's storage: bytes in use, and bytes reserved for uploads in progress.

use crate::ids::FileId;
use db::{Result, TenantTx};
use serde_json::{Map, Value};

use crate::declarations::STORAGE_BYTES;

/// The storage limit of tenants whose licence does not set one: 5 GiB.
const DEFAULT_STORAGE_LIMIT: i64 = 5 << 30;

/// The number of bytes that a tenant may store, from the limits of its licence.
pub(crate) fn storage_limit(limits: &Map<String, Value>) -> i64 {
    limits
        .get(STORAGE_BYTES.limit_name())
        .and_then(Value::as_i64)
        .unwrap_or(DEFAULT_STORAGE_LIMIT)
}

/// Reserves storage unless that would exceed `limit`. Returns whether it succeeded.
///
/// Concurrent reservations of a tenant wait for each other, so together they never exceed the limit.
pub(crate) async fn reserve_storage(tx: &mut TenantTx, bytes: i64, limit: i64) -> Result<bool> {
    if bytes <= 0 {
        return Ok(true);
    }
    if bytes > limit {
        return Ok(false);
    }
    let tenant = tx.tenant();
    let reserved = sqlx::query!(
        "insert into files.storage_usage as u (tenant_id, reserved_bytes)
        values ($1, $2)
        on conflict on constraint storage_usage_pkey do update
        set reserved_bytes = u.reserved_bytes + excluded.reserved_bytes
        where u.used_bytes + u.reserved_bytes + excluded.reserved_bytes <= $3",
        tenant as _,
        bytes,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(reserved.rows_affected() == 1)
}

/// Releases the storage reserved for a file. Returns the number of bytes.
pub(crate) async fn release_reservation(tx: &mut TenantTx, file: FileId) -> Result<i64> {
    settle_reservation(tx, file, 0)
        .await
        .map(|(_, released)| released)
}

/// Replaces the reservation of a file by its actual size. Returns the bytes now in use, and those that were reserved.
pub(crate) async fn settle_reservation(
    tx: &mut TenantTx,
    file: FileId,
    size: i64,
) -> Result<(i64, i64)> {
    let tenant = tx.tenant();
    let reserved = sqlx::query_scalar!(
        r#"with before as (
            select u.reserved
            from files.uploads u
            where u.tenant_id = $1 and u.file_id = $2
            for update
        )
        update files.uploads u
        set reserved = 0
        from before
        where u.tenant_id = $1 and u.file_id = $2
        returning before.reserved as "reserved!""#,
        tenant as _,
        file as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .unwrap_or_default();
    let used = sqlx::query_scalar!(
        "insert into files.storage_usage as u (tenant_id, used_bytes)
        values ($1, $2)
        on conflict on constraint storage_usage_pkey do update
        set used_bytes = u.used_bytes + excluded.used_bytes, reserved_bytes = u.reserved_bytes - $3
        returning used_bytes",
        tenant as _,
        size,
        reserved,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((used, reserved))
}

/// Releases the storage of a deleted file.
pub(crate) async fn release_storage(tx: &mut TenantTx, bytes: i64) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update files.storage_usage
        set used_bytes = used_bytes - $2
        where tenant_id = $1",
        tenant as _,
        bytes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Records a change of the stored bytes for billing.
pub(crate) async fn record_usage(tx: &mut TenantTx, file: FileId, bytes: i64) -> Result<()> {
    if bytes == 0 {
        // Nothing to bill, and without a sign the event could not be told apart from its counterpart.
        return Ok(());
    }
    let (tenant, now) = (tx.tenant(), tx.now());
    let change = if bytes < 0 { "deleted" } else { "stored" };
    sqlx::query!(
        "insert into access.usage_events (tenant_id, source, source_id, metric, quantity, occurred_at)
        values ($1, 'files', $2, 'storage_bytes', $3, $4)",
        tenant as _,
        format!("{file}/{change}"),
        bytes,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The limits of the tenant's licence.
pub(crate) async fn find_tenant_limits(tx: &mut TenantTx) -> Result<Map<String, Value>> {
    let tenant = tx.tenant();
    let limits: Value = sqlx::query_scalar!(
        "select limits
        from access.tenants
        where tenant_id = $1",
        tenant as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(limits.as_object().cloned().unwrap_or_default())
}

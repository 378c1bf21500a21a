//! A tenant's room, in SQL: what is used, and what is reserved for what is still to come.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::FileId;

/// Reserves so many bytes more, if then no more than `limit` are taken. Whoever comes at the same time waits for this
/// transaction's end, so together they never take more.
pub(crate) async fn reserve(tx: &mut TenantTx, bytes: i64, limit: i64) -> Result<bool> {
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

/// Gives back what was reserved for a file, and answers how much that was.
pub(crate) async fn release(tx: &mut TenantTx, file: FileId) -> Result<i64> {
    settle(tx, file, 0).await.map(|(_, released)| released)
}

/// What was reserved for a file becomes the bytes that it has. Answers what is used since, and what was reserved.
pub(crate) async fn settle(tx: &mut TenantTx, file: FileId, size: i64) -> Result<(i64, i64)> {
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

/// A file that was counted is gone.
pub(crate) async fn give_back(tx: &mut TenantTx, bytes: i64) -> Result<()> {
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

/// Notes for the bill that so many bytes are stored from now on, or no longer.
pub(crate) async fn note_usage(
    tx: &mut TenantTx,
    file: FileId,
    bytes: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    if bytes == 0 {
        // Nothing to be billed, and no sign that told both notes apart.
        return Ok(());
    }
    let tenant = tx.tenant();
    let what = if bytes < 0 { "deleted" } else { "stored" };
    sqlx::query!(
        "insert into access.usage_events (tenant_id, source, source_id, metric, quantity, occurred_at)
        values ($1, 'files', $2, 'storage_bytes', $3, $4)",
        tenant as _,
        format!("{file}/{what}"),
        bytes,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What the tenant's licence allows, as the directory has it.
pub(crate) async fn find_limits(
    tx: &mut TenantTx,
) -> Result<serde_json::Map<String, serde_json::Value>> {
    let tenant = tx.tenant();
    let limits: serde_json::Value = sqlx::query_scalar!(
        "select limits
        from access.tenants
        where tenant_id = $1",
        tenant as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(limits.as_object().cloned().unwrap_or_default())
}

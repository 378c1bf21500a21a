//! What is left of deleted rows: enough to tell those who have a copy.
//!
//! Rows that are only marked as deleted need none; what deletes a row of a list for good writes one in the same transaction.

use chrono::{DateTime, TimeDelta, Utc};
use db::{Result, TenantTx};
use web::cursor::Deleted;

/// How long they are kept, and how long a token of changes is valid.
pub const RETENTION: TimeDelta = TimeDelta::days(90);

/// A deleted row.
#[derive(Debug)]
pub(super) struct Tombstone {
    pub(super) id: String,
    pub(super) version: i32,
    pub(super) deleted_at: DateTime<Utc>,
}

impl From<Tombstone> for Deleted {
    fn from(tombstone: Tombstone) -> Self {
        Self {
            id: tombstone.id,
            version: tombstone.version,
        }
    }
}

/// Records that the row with this identifier and version was deleted from the list `name`.
pub async fn record(tx: &mut TenantTx, name: &str, id: impl ToString, version: i32) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into access.tombstones (tenant_id, list, id, version, deleted_at)
        values ($1, $2, $3, $4, $5)
        on conflict (tenant_id, list, id) do update set version = excluded.version, deleted_at = excluded.deleted_at",
        tenant as _,
        name,
        id.to_string(),
        version,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The rows that were deleted from the list `name` since then, in that order.
pub(super) async fn list(
    tx: &mut TenantTx,
    name: &str,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<Tombstone>> {
    let tenant = tx.tenant();
    // A client that has nothing yet needs no deletions.
    let Some(since) = since else {
        return Ok(Vec::new());
    };
    Ok(sqlx::query_as!(
        Tombstone,
        "select id, version, deleted_at
        from access.tombstones
        where tenant_id = $1 and list = $2 and deleted_at >= $3
        order by deleted_at, id",
        tenant as _,
        name,
        since,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Deletes up to `limit` that are older than [`RETENTION`], and returns their number.
pub async fn expire(tx: &mut TenantTx, limit: i64) -> Result<u64> {
    let (tenant, before) = (tx.tenant(), tx.now() - RETENTION);
    let expired = sqlx::query!(
        "delete from access.tombstones
        where tenant_id = $1 and (list, id) in (
            select list, id
            from access.tombstones
            where tenant_id = $1 and deleted_at < $2
            limit $3
        )",
        tenant as _,
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(expired.rows_affected())
}

//! The inbox: events that consumers have already processed.

use db::{Result, TenantTx};
use ids::EventId;

/// Records that `consumer` processes the event. Returns false if it was recorded before.
pub(crate) async fn insert_once(tx: &mut TenantTx, consumer: &str, event: EventId) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let inserted = sqlx::query!(
        "insert into events.inbox (tenant_id, consumer, event_id, processed_at)
        values ($1, $2, $3, $4)
        on conflict do nothing",
        tenant as _,
        consumer,
        event as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

//! The transactional outbox.

use db::{Result, TenantTx};
use ids::EventId;
use web::RequestInfo;

use crate::Event;

/// Writes an event into the transaction of the change that it is about, with the version that the subject has now. `sealed` is
/// encrypted by the caller, and blanked after delivery.
pub(crate) async fn insert_event<E: Event>(
    tx: &mut TenantTx,
    request: &RequestInfo,
    version: i64,
    event: &E,
    sealed: Option<Vec<u8>>,
) -> Result<EventId> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let event_id = EventId::at(now);
    sqlx::query!(
        "insert into events.outbox (
            tenant_id, event_id, type, source, subject, aggregate, aggregate_version,
            occurred_at, data, sealed, request_id, next_attempt_at
        )
        values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $7)",
        tenant as _,
        event_id as _,
        E::KIND.r#type,
        format!("/{}", E::KIND.context),
        event.subject(),
        version,
        now,
        // Structs of identifiers, numbers and words: serialising them cannot fail.
        serde_json::to_value(event).unwrap_or_default(),
        sealed,
        request.id(),
    )
    .execute(tx.conn())
    .await?;
    Ok(event_id)
}

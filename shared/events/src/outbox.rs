//! The transactional outbox.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::EventId;
use serde_json::Value;
use web::RequestInfo;

use crate::{Event, EventKind};

/// An event to publish.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// The event type.
    pub kind: &'static EventKind,
    /// What changed: `<resource>/<id>`. Also the ordering key: events of one subject are delivered in order.
    pub subject: String,
    /// The version of the subject after the change, which lets consumers detect stale events.
    pub version: i64,
    /// The payload: identifiers and plain values, never names or email addresses.
    pub data: Value,
    /// Confidential payload, encrypted by the caller; erased after delivery.
    pub sealed: Option<Vec<u8>>,
}

/// Writes a typed event into the transaction of the change that it is about.
pub(crate) async fn insert_event<E: Event>(
    tx: &mut TenantTx,
    request: &RequestInfo,
    version: i64,
    event: &E,
    sealed: Option<Vec<u8>>,
) -> Result<EventId> {
    let announcement = Announcement {
        kind: E::KIND,
        subject: event.subject(),
        version,
        // Structs of identifiers, numbers and words: serialising them cannot fail.
        data: serde_json::to_value(event).unwrap_or_default(),
        sealed,
    };
    let now = tx.now();
    announce(tx, request, now, announcement).await
}

/// Writes an event to the outbox, in the transaction of the change.
pub async fn announce(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    announcement: Announcement,
) -> Result<EventId> {
    let event_id = EventId::at(now);
    let tenant = tx.tenant();
    let source = format!("/{}", announcement.kind.context);
    sqlx::query!(
        "insert into events.outbox (
            tenant_id, event_id, type, source, subject, aggregate, aggregate_version,
            occurred_at, data, sealed, request_id, next_attempt_at
        )
        values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $7)",
        tenant as _,
        event_id as _,
        announcement.kind.r#type,
        source,
        announcement.subject,
        announcement.version,
        now,
        announcement.data,
        announcement.sealed,
        request.id(),
    )
    .execute(tx.conn())
    .await?;
    Ok(event_id)
}

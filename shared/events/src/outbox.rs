//! Writing to the outbox.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::EventId;
use serde_json::Value;
use web::RequestInfo;

use crate::EventKind;

/// What is announced.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// Its type.
    pub kind: &'static EventKind,
    /// What changed: `<thing>/<id>`. Also the ordering key: announcements of one subject stay in order.
    pub subject: String,
    /// The version that the subject has now; consumers tell old news by it.
    pub version: i64,
    /// Identifiers and plain words, never names or addresses.
    pub data: Value,
    /// What must not travel in clear, encrypted by the caller; blanked after delivery.
    pub sealed: Option<Vec<u8>>,
}

/// Writes an announcement beside the change that it announces.
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

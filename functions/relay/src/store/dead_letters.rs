//! Events that a function refused.

use crate::ids::DeadLetterId;
use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};
use events::Envelope;
use ids::{EventId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use web::Limit;

use crate::domain::reason::sanitize;

/// A dead letter as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetterRow {
    pub(crate) id: DeadLetterId,
    pub(crate) tenant_id: TenantId,
    /// The function that refused the event.
    pub(crate) function: String,
    pub(crate) event_id: EventId,
    /// The event without its sealed part.
    pub(crate) envelope: Value,
    pub(crate) reason: String,
    pub(crate) attempts: i32,
    pub(crate) parked_at: DateTime<Utc>,
    /// When it was last put back into the outbox.
    pub(crate) replayed_at: Option<DateTime<Utc>>,
}

/// The keyset position of a row, sealed in cursors.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) parked_at: DateTime<Utc>,
    pub(crate) id: DeadLetterId,
}

/// Lists dead letters of one tenant or of all, newest first.
pub(crate) async fn list_dead_letters(
    tx: &mut UnscopedTx,
    tenant: Option<TenantId>,
    open_only: bool,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<DeadLetterRow>> {
    Ok(sqlx::query_as!(
        DeadLetterRow,
        r#"select
            dead_letter_id as "id!: DeadLetterId", tenant_id as "tenant_id!: TenantId", consumer as "function!",
            event_id as "event_id!: EventId", envelope as "envelope!", reason as "reason!", attempts as "attempts!",
            parked_at as "parked_at!", replayed_at
        from events.list_dead_letters($1, $2, $3, $4, $5)"#,
        tenant as _,
        open_only,
        after.map(|position| position.parked_at),
        after.map(|position| position.id) as _,
        limit.rows(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Puts the event back into the outbox for the function that refused it; `None` if the dead letter is not open.
pub(crate) async fn replay_dead_letter(
    tx: &mut UnscopedTx,
    id: DeadLetterId,
    now: DateTime<Utc>,
) -> Result<Option<DeadLetterRow>> {
    Ok(sqlx::query_as!(
        DeadLetterRow,
        r#"select
            dead_letter_id as "id!: DeadLetterId", tenant_id as "tenant_id!: TenantId", consumer as "function!",
            event_id as "event_id!: EventId", envelope as "envelope!", reason as "reason!", attempts as "attempts!",
            parked_at as "parked_at!", replayed_at
        from events.replay_dead_letter($1, $2)"#,
        id as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether a dead letter with this identifier exists.
pub(crate) async fn has_dead_letter(tx: &mut UnscopedTx, id: DeadLetterId) -> Result<bool> {
    let row = sqlx::query!(
        r#"select dead_letter_id as "id!: DeadLetterId" from events.find_dead_letter($1)"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.is_some())
}

/// Parks an event that came over a bus. A replay finds its sealed part in the outbox.
pub(crate) async fn insert_from_bus(
    tx: &mut UnscopedTx,
    event: &Envelope,
    function: &str,
    reason: &str,
    attempts: i32,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"select 1 as "one!" from events.park_handed_on($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
        DeadLetterId::at(now) as _,
        event.tenant as _,
        event.id as _,
        function,
        unsealed_envelope(event),
        event.sealed.as_deref(),
        sanitize(reason),
        attempts,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// The envelope as operators see it: the sealed part stays in the outbox only.
pub(crate) fn unsealed_envelope(event: &Envelope) -> Value {
    let mut event = event.clone();
    event.sealed = None;
    // Only strings and numbers, so this can't fail.
    serde_json::to_value(event).unwrap_or_default()
}

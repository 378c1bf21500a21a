//! What functions would not take.

use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};
use ids::{DeadLetterId, EventId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use web::Limit;

/// An event that a function would not take.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "tenant_id": "019ab1f2-0000-7c11-8e5a-3b1a2c3d4e5f",
    "function": "notifications",
    "event_id": "019ab1f2-6d3e-7c11-8e5a-000000000001",
    "envelope": {"specversion": "1.0", "type": "de.revalenz.support.ticket.created.v1", "subject": "tickets/019ab1f2-6d3e-7c11-8e5a-000000000002"},
    "reason": "notifications.mails: the template is missing",
    "attempts": 8,
    "parked_at": "2026-11-20T10:00:00Z",
    "replayed_at": null
}))]
pub(crate) struct DeadLetter {
    /// Its identifier.
    pub(crate) id: DeadLetterId,
    /// Whose event it is.
    pub(crate) tenant_id: TenantId,
    /// Who would not take it.
    pub(crate) function: String,
    /// Which event it is.
    pub(crate) event_id: EventId,
    /// The event as it was brought, without what was sealed.
    #[schema(value_type = Object)]
    pub(crate) envelope: Value,
    /// Why not.
    pub(crate) reason: String,
    /// How many times it was brought.
    pub(crate) attempts: i32,
    /// When it was given up.
    pub(crate) parked_at: DateTime<Utc>,
    /// Since when it is on its way again.
    pub(crate) replayed_at: Option<DateTime<Utc>>,
}

/// A letter's place in the list.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    /// When it was given up.
    pub(crate) parked_at: DateTime<Utc>,
    /// Tells apart what was given up at once.
    pub(crate) id: DeadLetterId,
}

/// The newest first; of one tenant or of all.
pub(crate) async fn list_dead_letters(
    tx: &mut UnscopedTx,
    tenant: Option<TenantId>,
    open_only: bool,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<DeadLetter>> {
    Ok(sqlx::query_as!(
        DeadLetter,
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

/// Puts the event back for the function that would not take it; `None` when the letter is not open.
pub(crate) async fn replay_dead_letter(
    tx: &mut UnscopedTx,
    id: DeadLetterId,
    now: DateTime<Utc>,
) -> Result<Option<DeadLetter>> {
    Ok(sqlx::query_as!(
        DeadLetter,
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

/// Whether there is such a letter.
pub(crate) async fn exists_dead_letter(tx: &mut UnscopedTx, id: DeadLetterId) -> Result<bool> {
    let found = sqlx::query!(
        r#"select dead_letter_id as "id!: DeadLetterId" from events.find_dead_letter($1)"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.is_some())
}

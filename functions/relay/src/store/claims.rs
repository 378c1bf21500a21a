//! Claimed announcements, and how their tries end.

use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};
use events::Envelope;
use ids::{DeadLetterId, EventId, TenantId};
use serde_json::Value;
use uuid::Uuid;

/// An announcement that is ours to deliver until the lease ends.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    /// As it travels.
    pub(crate) event: Envelope,
    /// Ours.
    pub(crate) lease: Uuid,
    /// How many times it was claimed, this one included.
    pub(crate) attempts: i32,
    /// How many times it was refused.
    pub(crate) refusals: i32,
    /// Who still has to take it; `None` before the first try.
    pub(crate) awaiting: Option<Vec<String>>,
}

/// Claims what is due: of each aggregate the oldest alone.
pub(crate) async fn claim(
    tx: &mut UnscopedTx,
    lease: Uuid,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
    most: i32,
) -> Result<Vec<Claimed>> {
    let rows = sqlx::query!(
        r#"select
            event_id as "event_id!: EventId", source as "source!", type as "type!", subject as "subject!",
            occurred_at as "occurred_at!", tenant_id as "tenant_id!: TenantId", aggregate_version as "aggregate_version!",
            request_id, traceparent, data as "data!", sealed, attempts as "attempts!", refusals as "refusals!",
            awaiting as "awaiting: Vec<String>"
        from events.claim($1, $2, $3, $4)"#,
        now,
        lease,
        leased_until,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            event: Envelope {
                id: row.event_id,
                source: row.source,
                r#type: row.r#type,
                subject: row.subject,
                time: row.occurred_at,
                tenant: row.tenant_id,
                version: row.aggregate_version,
                request_id: row.request_id,
                traceparent: row.traceparent,
                data: row.data,
                sealed: row.sealed,
            },
            lease,
            attempts: row.attempts,
            refusals: row.refusals,
            awaiting: row.awaiting,
        })
        .collect())
}

/// Everybody who listens has taken these, or has had them parked.
pub(crate) async fn mark_published(
    tx: &mut UnscopedTx,
    done: &[&Claimed],
    now: DateTime<Utc>,
) -> Result<()> {
    let tenants: Vec<Uuid> = done.iter().map(|one| one.event.tenant.uuid()).collect();
    let events: Vec<Uuid> = done.iter().map(|one| one.event.id.uuid()).collect();
    let leases: Vec<Uuid> = done.iter().map(|one| one.lease).collect();
    sqlx::query!(
        "select events.mark_settled($1, $2, $3, $4)",
        &tenants,
        &events,
        &leases,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// Another try at `due_at`, for these functions.
pub(crate) async fn retry_later(
    tx: &mut UnscopedTx,
    claimed: &Claimed,
    functions: &[String],
    refused: bool,
    due_at: DateTime<Utc>,
    reason: &str,
) -> Result<()> {
    sqlx::query!(
        r#"select 1 as "one!" from events.retry_later($1, $2, $3, $4, $5, $6, $7)"#,
        claimed.event.tenant as _,
        claimed.event.id as _,
        claimed.lease,
        functions,
        refused,
        due_at,
        reason,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// One function will not take it.
pub(crate) async fn park(
    tx: &mut UnscopedTx,
    claimed: &Claimed,
    function: &str,
    envelope: Value,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"select 1 as "one!" from events.park($1, $2, $3, $4, $5, $6, $7, $8)"#,
        DeadLetterId::at(now) as _,
        claimed.event.tenant as _,
        claimed.event.id as _,
        claimed.lease,
        function,
        envelope,
        reason,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// How many announcements wait, and since when the oldest does.
pub(crate) async fn lag(tx: &mut UnscopedTx) -> Result<(i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(r#"select waiting as "waiting!", oldest_at from events.outbox_lag()"#)
        .fetch_one(tx.conn())
        .await?;
    Ok((row.waiting, row.oldest_at))
}

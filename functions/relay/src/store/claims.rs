//! Claimed announcements and the results of their delivery attempts.

use crate::ids::DeadLetterId;
use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};
use events::Envelope;
use ids::{EventId, TenantId};
use serde_json::Value;
use uuid::Uuid;

/// An announcement that this dispatcher may deliver until its lease expires.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The event to deliver.
    pub(crate) event: Envelope,
    /// The token of the lease.
    pub(crate) lease: Uuid,
    /// Number of claims, including this one.
    pub(crate) attempts: i32,
    /// Number of attempts that a function refused.
    pub(crate) refusals: i32,
    /// Functions that have not accepted it yet; `None` before the first attempt.
    pub(crate) awaiting: Option<Vec<String>>,
}

/// Claims announcements that are due, at most the oldest one per aggregate.
pub(crate) async fn claim_due(
    tx: &mut UnscopedTx,
    lease: Uuid,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
    max_rows: i32,
) -> Result<Vec<Claim>> {
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
        max_rows,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claim {
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

/// Marks announcements as published: every subscriber has accepted them or they are parked.
pub(crate) async fn mark_settled(
    tx: &mut UnscopedTx,
    claims: &[&Claim],
    now: DateTime<Utc>,
) -> Result<()> {
    let tenants: Vec<Uuid> = claims
        .iter()
        .map(|claim| claim.event.tenant.uuid())
        .collect();
    let events: Vec<Uuid> = claims.iter().map(|claim| claim.event.id.uuid()).collect();
    let leases: Vec<Uuid> = claims.iter().map(|claim| claim.lease).collect();
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

/// Schedules a retry at `due_at` for these functions.
pub(crate) async fn retry_later(
    tx: &mut UnscopedTx,
    claim: &Claim,
    functions: &[String],
    is_refused: bool,
    due_at: DateTime<Utc>,
    reason: &str,
) -> Result<()> {
    sqlx::query!(
        r#"select 1 as "one!" from events.retry_later($1, $2, $3, $4, $5, $6, $7)"#,
        claim.event.tenant as _,
        claim.event.id as _,
        claim.lease,
        functions,
        is_refused,
        due_at,
        reason,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// Parks an announcement for one function.
pub(crate) async fn park(
    tx: &mut UnscopedTx,
    claim: &Claim,
    function: &str,
    envelope: Value,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"select 1 as "one!" from events.park($1, $2, $3, $4, $5, $6, $7, $8)"#,
        DeadLetterId::at(now) as _,
        claim.event.tenant as _,
        claim.event.id as _,
        claim.lease,
        function,
        envelope,
        reason,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// The number of unpublished announcements and the time of the oldest.
pub(crate) async fn measure_lag(tx: &mut UnscopedTx) -> Result<(i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(r#"select waiting as "waiting!", oldest_at from events.outbox_lag()"#)
        .fetch_one(tx.conn())
        .await?;
    Ok((row.waiting, row.oldest_at))
}

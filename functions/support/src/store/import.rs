//! SQL for bulk imports of tickets.

use std::collections::HashMap;

use crate::ids::{TicketCommentId, TicketHistoryId};
use chrono::{DateTime, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::{TicketId, UserId};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::{
    comment::Visibility,
    status::Status,
    ticket::{Channel, Priority},
};

/// A person of the tenant.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    /// Whether tickets can be assigned to them.
    pub(crate) staff: bool,
}

/// A row of `support.tickets`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ImportedTicketRow {
    pub(crate) ticket_id: TicketId,
    /// Assigned last, to tickets that have no number of their own.
    pub(crate) number: Option<i32>,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) channel: Channel,
    pub(crate) created_by_kind: ActorKind,
    pub(crate) created_by_id: Option<Uuid>,
    pub(crate) requester_id: Option<UserId>,
    pub(crate) requester_email: Option<String>,
    pub(crate) assigned_to: Option<UserId>,
    pub(crate) team: Option<String>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) first_responded_at: Option<DateTime<Utc>>,
    pub(crate) resolved_at: Option<DateTime<Utc>>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) external_id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// A row of `support.ticket_comments`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ImportedCommentRow {
    pub(crate) ticket_comment_id: TicketCommentId,
    pub(crate) ticket_id: TicketId,
    pub(crate) author_kind: ActorKind,
    pub(crate) author_id: Option<Uuid>,
    pub(crate) content: String,
    pub(crate) visibility: Visibility,
    pub(crate) created_at: DateTime<Utc>,
}

/// A row of `support.ticket_history`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ImportedHistoryRow {
    pub(crate) ticket_history_id: TicketHistoryId,
    pub(crate) ticket_id: TicketId,
    pub(crate) field: &'static str,
    pub(crate) old_value: Value,
    pub(crate) new_value: Value,
    pub(crate) visibility: Visibility,
    pub(crate) actor_kind: ActorKind,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) position: i16,
}

/// The people of the tenant with one of these email addresses, by address.
pub(crate) async fn list_people(
    tx: &mut TenantTx,
    emails: &[String],
) -> Result<HashMap<String, Person>> {
    let tenant = tx.tenant();
    let people = sqlx::query_as!(
        Person,
        r#"select p.user_id as "id: UserId", p.email, r.base_role <> 'customer' as "staff!"
        from access.people p
        join access.roles r on r.tenant_id = p.tenant_id and r.role_id = p.role_id
        where p.tenant_id = $1 and p.email = any($2) and p.status <> 'erased'"#,
        tenant as _,
        emails,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(people
        .into_iter()
        .map(|person| (person.email.clone(), person))
        .collect())
}

/// The highest assigned number, locked until the transaction ends.
pub(crate) async fn lock_numbers(tx: &mut TenantTx) -> Result<i32> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "insert into support.ticket_counters as c (tenant_id, last_number)
        values ($1, 1000)
        on conflict on constraint ticket_counters_pkey do update set last_number = c.last_number
        returning last_number",
        tenant as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Marks all numbers up to this one as assigned. Requires [`lock_numbers`].
pub(crate) async fn raise_numbers(tx: &mut TenantTx, last: i32) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update support.ticket_counters
        set last_number = greatest(last_number, $2)
        where tenant_id = $1",
        tenant as _,
        last,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A ticket that was imported before.
#[derive(Debug)]
pub(crate) struct ExistingTicket {
    pub(crate) external_id: String,
    pub(crate) id: TicketId,
    pub(crate) number: i32,
}

/// The tickets with these external ids, including deleted ones. Requires [`lock_numbers`] to be exact.
pub(crate) async fn list_existing_tickets(
    tx: &mut TenantTx,
    source: &str,
    external_ids: &[String],
) -> Result<Vec<ExistingTicket>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        ExistingTicket,
        r#"select external_id as "external_id!", ticket_id as "id: TicketId", number
        from support.tickets
        where tenant_id = $1 and external_source = $2 and external_id = any($3)"#,
        tenant as _,
        source,
        external_ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The numbers that are taken. Requires [`lock_numbers`] to be exact.
pub(crate) async fn list_taken_numbers(tx: &mut TenantTx, numbers: &[i32]) -> Result<Vec<i32>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select number
        from support.tickets
        where tenant_id = $1 and number = any($2)",
        tenant as _,
        numbers,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Inserts tickets, which must all have a number.
pub(crate) async fn insert_tickets(
    tx: &mut TenantTx,
    source: &str,
    tickets: &[&ImportedTicketRow],
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into support.tickets (
            tenant_id, ticket_id, number, title, description, status, priority, category, tags, channel,
            created_by_kind, created_by_id, requester_id, requester_email, assigned_to, team, due_at, first_responded_at,
            resolved_at, closed_at, external_source, external_id, created_at, updated_at
        )
        select
            $1, t.ticket_id, t.number, t.title, t.description, t.status, t.priority, t.category, t.tags, t.channel,
            t.created_by_kind, t.created_by_id, t.requester_id, t.requester_email, t.assigned_to, t.team, t.due_at,
            t.first_responded_at, t.resolved_at, t.closed_at, $3, t.external_id, t.created_at, t.updated_at
        from jsonb_to_recordset($2) t (
            ticket_id uuid, number integer, title text, description text, status text, priority text, category text,
            tags text[], channel text, created_by_kind text, created_by_id uuid, requester_id uuid, requester_email text,
            assigned_to uuid, team text, due_at timestamptz, first_responded_at timestamptz, resolved_at timestamptz,
            closed_at timestamptz, external_id text, created_at timestamptz, updated_at timestamptz
        )",
        tenant as _,
        Json(tickets) as _,
        source,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Inserts comments.
pub(crate) async fn insert_comments(
    tx: &mut TenantTx,
    comments: &[&ImportedCommentRow],
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into support.ticket_comments (
            tenant_id, ticket_comment_id, ticket_id, author_kind, author_id, content, visibility, created_at, updated_at
        )
        select
            $1, c.ticket_comment_id, c.ticket_id, c.author_kind, c.author_id, c.content, c.visibility, c.created_at, c.created_at
        from jsonb_to_recordset($2) c (
            ticket_comment_id uuid, ticket_id uuid, author_kind text, author_id uuid, content text, visibility text,
            created_at timestamptz
        )",
        tenant as _,
        Json(comments) as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Inserts history entries.
pub(crate) async fn insert_history(
    tx: &mut TenantTx,
    history: &[&ImportedHistoryRow],
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into support.ticket_history (
            tenant_id, ticket_history_id, ticket_id, field, old_value, new_value, visibility,
            actor_kind, actor_id, occurred_at, position
        )
        select
            $1, h.ticket_history_id, h.ticket_id, h.field, h.old_value, h.new_value, h.visibility,
            h.actor_kind, h.actor_id, h.occurred_at, h.position
        from jsonb_to_recordset($2) h (
            ticket_history_id uuid, ticket_id uuid, field text, old_value jsonb, new_value jsonb, visibility text,
            actor_kind text, actor_id uuid, occurred_at timestamptz, position smallint
        )",
        tenant as _,
        Json(history) as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

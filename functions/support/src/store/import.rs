//! Many tickets at once.

use std::collections::HashMap;

use db::{Result, TenantTx};
use ids::UserId;
use sqlx::types::Json;

use crate::domain::import::rows::{CommentRow, HistoryRow, Person, TicketRow};

/// The people of the tenant who have one of these addresses.
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

/// The highest number that was given. Nobody else takes one until the end of the transaction.
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

/// Numbers up to this one have been given. Under [`lock_numbers`].
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

/// Which of these identifiers of a source are here, deleted tickets too. Exact under [`lock_numbers`].
pub(crate) async fn list_known(
    tx: &mut TenantTx,
    source: &str,
    external: &[String],
) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select external_id as "external_id!"
        from support.tickets
        where tenant_id = $1 and external_source = $2 and external_id = any($3)"#,
        tenant as _,
        source,
        external,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Which of these numbers are taken. Exact under [`lock_numbers`].
pub(crate) async fn list_taken(tx: &mut TenantTx, numbers: &[i32]) -> Result<Vec<i32>> {
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

/// Adds tickets, all of which have a number.
pub(crate) async fn insert_tickets(
    tx: &mut TenantTx,
    source: &str,
    tickets: &[&TicketRow],
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

/// Adds remarks.
pub(crate) async fn insert_comments(tx: &mut TenantTx, comments: &[&CommentRow]) -> Result<()> {
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

/// Adds history.
pub(crate) async fn insert_history(tx: &mut TenantTx, history: &[&HistoryRow]) -> Result<()> {
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

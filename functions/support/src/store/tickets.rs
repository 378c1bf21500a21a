//! Tickets in SQL.

use access::Reach;
use chrono::{DateTime, TimeDelta, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::{TicketId, UserId};
use sqlx::FromRow;

use crate::domain::{
    changes::NewValues,
    status::Status,
    ticket::{Channel, Priority, Ticket},
};

/// What a new row says.
#[derive(Debug)]
pub(crate) struct NewTicket {
    pub(crate) id: TicketId,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) channel: Channel,
    pub(crate) requester_id: Option<UserId>,
    pub(crate) requester_email: Option<String>,
    pub(crate) assigned_to: Option<UserId>,
    pub(crate) team: Option<String>,
    pub(crate) due_at: Option<DateTime<Utc>>,
}

/// The columns of a [`Ticket`], with the names of the people on it; `t`, `r` and `a` are its tables.
pub(super) const COLUMNS: &str = "t.ticket_id, t.number, t.title, t.description, t.status, t.priority, t.category, t.tags, t.channel,
    t.created_by_kind, t.created_by_id, t.requester_id, r.display_name as requester_name, t.requester_email,
    t.assigned_to, a.display_name as assigned_to_name, t.team, t.due_at, t.first_responded_at, t.resolved_at,
    t.closed_at, t.version, t.created_at, t.updated_at
from support.tickets t
left join access.people r on r.tenant_id = t.tenant_id and r.user_id = t.requester_id
left join access.people a on a.tenant_id = t.tenant_id and a.user_id = t.assigned_to";

/// A ticket within reach that is not deleted.
pub(crate) async fn find_ticket(
    tx: &mut TenantTx,
    reach: Reach,
    id: TicketId,
) -> Result<Option<Ticket>> {
    let mut query = sqlx::QueryBuilder::new("select ");
    query.push(COLUMNS);
    query.push(" where t.tenant_id = ").push_bind(tx.tenant());
    query.push(" and t.ticket_id = ").push_bind(id);
    query.push(" and t.deleted_at is null");
    if let Some(owner) = reach.owner() {
        query.push(" and t.requester_id = ").push_bind(owner);
    }
    if let Some(assignee) = reach.assignee() {
        query.push(" and t.assigned_to = ").push_bind(assignee);
    }
    let row = query.build().fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| Ticket::from_row(&row)).transpose()?)
}

/// The same, and nobody else changes it until this transaction ends.
pub(crate) async fn lock_ticket(
    tx: &mut TenantTx,
    reach: Reach,
    id: TicketId,
) -> Result<Option<Ticket>> {
    let tenant = tx.tenant();
    let locked = sqlx::query_scalar!(
        "select version
        from support.tickets
        where tenant_id = $1 and ticket_id = $2 and deleted_at is null
        for update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    match locked {
        Some(_) => find_ticket(tx, reach, id).await,
        None => Ok(None),
    }
}

/// Writes a new ticket and gives its number.
///
/// Whoever takes a number makes the others of the tenant wait until it is used, so this is the last thing that a
/// transaction does before it tells of the ticket.
pub(crate) async fn insert_ticket(
    tx: &mut TenantTx,
    ticket: &NewTicket,
    now: DateTime<Utc>,
) -> Result<i32> {
    let (tenant, actor) = (tx.tenant(), tx.actor());
    Ok(sqlx::query_scalar!(
        "with counter as (
            insert into support.ticket_counters as c (tenant_id, last_number)
            values ($1, 1001)
            on conflict on constraint ticket_counters_pkey do update set last_number = c.last_number + 1
            returning last_number
        )
        insert into support.tickets (
            tenant_id, ticket_id, number, title, description, status, priority, category, tags, channel,
            created_by_kind, created_by_id, requester_id, requester_email, assigned_to, team, due_at,
            created_at, updated_at
        )
        select $1, $2, last_number, $3, $4, 'open', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16
        from counter
        returning number",
        tenant as _,
        ticket.id as _,
        ticket.title,
        ticket.description,
        ticket.priority as Priority,
        ticket.category,
        &ticket.tags,
        ticket.channel as Channel,
        actor.kind as ActorKind,
        actor.id,
        ticket.requester_id as _,
        ticket.requester_email,
        ticket.assigned_to as _,
        ticket.team,
        ticket.due_at,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Writes changed fields; the version grows.
pub(crate) async fn update_ticket(
    tx: &mut TenantTx,
    id: TicketId,
    new: &NewValues,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update support.tickets
        set title = $3, description = $4, status = $5, priority = $6, category = $7, tags = $8, assigned_to = $9,
            team = $10, due_at = $11, resolved_at = $12, closed_at = $13, updated_at = $14, version = version + 1
        where tenant_id = $1 and ticket_id = $2",
        tenant as _,
        id as _,
        new.title,
        new.description,
        new.status as Status,
        new.priority as Priority,
        new.category,
        &new.tags,
        new.assigned_to as _,
        new.team,
        new.due_at,
        new.resolved_at,
        new.closed_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that something public happened on the ticket; the first answer of staff is kept.
pub(crate) async fn touch_ticket(
    tx: &mut TenantTx,
    id: TicketId,
    by_staff: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update support.tickets
        set updated_at = $3, version = version + 1,
            first_responded_at = case when $4 then coalesce(first_responded_at, $3) else first_responded_at end
        where tenant_id = $1 and ticket_id = $2",
        tenant as _,
        id as _,
        now,
        by_staff,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks a ticket as deleted and gives its version, if it was there.
pub(crate) async fn delete_ticket(
    tx: &mut TenantTx,
    id: TicketId,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update support.tickets
        set deleted_at = $3, updated_at = $3, version = version + 1
        where tenant_id = $1 and ticket_id = $2 and deleted_at is null",
        tenant as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Brings a ticket back that was deleted less than 30 days ago; whether there was one.
pub(crate) async fn restore_ticket(
    tx: &mut TenantTx,
    id: TicketId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let tenant = tx.tenant();
    let restored = sqlx::query!(
        "update support.tickets
        set deleted_at = null, updated_at = $3, version = version + 1
        where tenant_id = $1 and ticket_id = $2 and deleted_at > $4",
        tenant as _,
        id as _,
        now,
        now - TimeDelta::days(30),
    )
    .execute(tx.conn())
    .await?;
    Ok(restored.rows_affected() == 1)
}

/// Whether tickets can be given to this person: active staff of the tenant.
pub(crate) async fn is_assignable(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (
            select
            from access.people p
            join access.roles r on r.tenant_id = p.tenant_id and r.role_id = p.role_id
            where p.tenant_id = $1 and p.user_id = $2 and p.status = 'active' and r.base_role <> 'customer'
        ) as "exists!""#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Whether this is a person of the tenant who may have tickets.
pub(crate) async fn is_person(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (
            select
            from access.people p
            where p.tenant_id = $1 and p.user_id = $2 and p.status in ('invited', 'active', 'locked')
        ) as "exists!""#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

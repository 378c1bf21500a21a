//! SQL for tickets.

use access::Reach;
use chrono::{DateTime, TimeDelta, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::{TicketId, UserId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sqlx::FromRow;
use uuid::Uuid;

use crate::domain::{
    status::Status,
    ticket::{Channel, Priority},
    update::TicketFields,
};

/// How long a deleted ticket can be restored.
const RESTORE_PERIOD: TimeDelta = TimeDelta::days(30);

/// A ticket with the names of its requester and its assignee.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct TicketRow {
    #[sqlx(rename = "ticket_id")]
    pub(crate) id: TicketId,
    #[sqlx(try_from = "i32")]
    pub(crate) number: Number,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) channel: Channel,
    pub(crate) created_by_kind: ActorKind,
    pub(crate) created_by_id: Option<Uuid>,
    pub(crate) created_by_name: Option<String>,
    pub(crate) requester_id: Option<UserId>,
    pub(crate) requester_name: Option<String>,
    pub(crate) requester_email: Option<String>,
    pub(crate) assigned_to: Option<UserId>,
    pub(crate) assigned_to_name: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) first_responded_at: Option<DateTime<Utc>>,
    pub(crate) resolved_at: Option<DateTime<Utc>>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) external_id: Option<String>,
    pub(crate) external_source: Option<String>,
    pub(crate) version: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl TicketRow {
    /// The fields that an update can change.
    pub(crate) fn fields(&self) -> TicketFields {
        TicketFields {
            title: self.title.clone(),
            description: self.description.clone(),
            status: self.status,
            priority: self.priority,
            category: self.category.clone(),
            tags: self.tags.clone(),
            assigned_to: self.assigned_to,
            team: self.team.clone(),
            due_at: self.due_at,
            resolved_at: self.resolved_at,
            closed_at: self.closed_at,
        }
    }
}

/// A ticket number, written as `T-1042`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub i32);

impl From<i32> for Number {
    fn from(number: i32) -> Self {
        Self(number)
    }
}
impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "T-{}", self.0)
    }
}
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text
            .strip_prefix("T-")
            .and_then(|number| number.parse().ok());
        number
            .map(Self)
            .ok_or_else(|| D::Error::custom("must be a ticket number such as T-1042"))
    }
}

/// The values of a new ticket.
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

/// The columns and tables of a [`TicketRow`], for queries that are built at run time.
pub(super) const COLUMNS: &str = "t.ticket_id, t.number, t.title, t.description, t.status, t.priority, t.category, t.tags, t.channel,
    t.created_by_kind, t.created_by_id, c.display_name as created_by_name, t.requester_id, r.display_name as requester_name, t.requester_email,
    t.assigned_to, a.display_name as assigned_to_name, t.team, t.due_at, t.first_responded_at, t.resolved_at,
    t.closed_at, t.external_id, t.external_source, t.version, t.created_at, t.updated_at";
pub(super) const FROM: &str = "support.tickets t
left join access.people r on r.tenant_id = t.tenant_id and r.user_id = t.requester_id
left join access.people a on a.tenant_id = t.tenant_id and a.user_id = t.assigned_to
left join access.people c on c.tenant_id = t.tenant_id and c.user_id = t.created_by_id";

/// A ticket within the caller's reach that is not deleted.
pub(crate) async fn find_ticket(
    tx: &mut TenantTx,
    reach: Reach,
    id: TicketId,
) -> Result<Option<TicketRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        TicketRow,
        r#"select
            t.ticket_id as "id: TicketId", t.number, t.title, t.description, t.status as "status: Status",
            t.priority as "priority: Priority", t.category, t.tags, t.channel as "channel: Channel",
            t.created_by_kind as "created_by_kind: ActorKind", t.created_by_id, c.display_name as "created_by_name?",
            t.requester_id as "requester_id: UserId",
            r.display_name as "requester_name?", t.requester_email, t.assigned_to as "assigned_to: UserId",
            a.display_name as "assigned_to_name?", t.team, t.due_at, t.first_responded_at, t.resolved_at, t.closed_at,
            t.external_id, t.external_source, t.version, t.created_at, t.updated_at
        from support.tickets t
        left join access.people r on r.tenant_id = t.tenant_id and r.user_id = t.requester_id
        left join access.people a on a.tenant_id = t.tenant_id and a.user_id = t.assigned_to
        left join access.people c on c.tenant_id = t.tenant_id and c.user_id = t.created_by_id
        where t.tenant_id = $1 and t.ticket_id = $2 and t.deleted_at is null
            and ($3::uuid is null or t.requester_id = $3)
            and ($4::uuid is null or t.assigned_to = $4)"#,
        tenant as _,
        id as _,
        reach.owner() as _,
        reach.assignee() as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The same, with the row locked until the transaction ends.
pub(crate) async fn lock_ticket(
    tx: &mut TenantTx,
    reach: Reach,
    id: TicketId,
) -> Result<Option<TicketRow>> {
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

/// Inserts a ticket and returns its number.
///
/// Taking a number locks the tenant's counter until the transaction ends, so insert the ticket as late as possible.
pub(crate) async fn insert_ticket(tx: &mut TenantTx, ticket: &NewTicket) -> Result<i32> {
    let (tenant, actor, now) = (tx.tenant(), tx.actor(), tx.now());
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

/// Updates the fields of a ticket and increments its version.
pub(crate) async fn update_ticket(
    tx: &mut TenantTx,
    id: TicketId,
    new: &TicketFields,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
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

/// Marks public activity on a ticket; the first one by staff sets `first_responded_at`.
pub(crate) async fn touch_ticket(tx: &mut TenantTx, id: TicketId, by_staff: bool) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
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

/// Marks a ticket as deleted.
pub(crate) async fn delete_ticket(tx: &mut TenantTx, id: TicketId) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
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

/// Restores a ticket that was deleted less than 30 days ago. Returns whether there was one.
pub(crate) async fn restore_ticket(tx: &mut TenantTx, id: TicketId) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let restored = sqlx::query!(
        "update support.tickets
        set deleted_at = null, updated_at = $3, version = version + 1
        where tenant_id = $1 and ticket_id = $2 and deleted_at > $4",
        tenant as _,
        id as _,
        now,
        now - RESTORE_PERIOD,
    )
    .execute(tx.conn())
    .await?;
    Ok(restored.rows_affected() == 1)
}

/// Whether this person can be assigned to tickets: active staff of the tenant.
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

/// Finds a person of the tenant by email address.
pub(crate) async fn find_person(tx: &mut TenantTx, email: &str) -> Result<Option<UserId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select p.user_id as "id: UserId"
        from access.people p
        where p.tenant_id = $1 and p.email = $2 and p.status in ('invited', 'active', 'locked')"#,
        tenant as _,
        email,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether this is a person of the tenant who can be a requester.
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

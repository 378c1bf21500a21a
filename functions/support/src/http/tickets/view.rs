//! A ticket as the API returns it.

use chrono::{DateTime, Utc};
use db::ActorKind;
use ids::{TicketId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::reply::Versioned;

use crate::{
    domain::{
        status::Status,
        ticket::{Channel, Priority},
    },
    store::tickets::{Number, TicketRow},
};

/// A support ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "number": "T-1042",
    "title": "Heating in meeting room 3", "description": "It stays cold since Monday.",
    "status": "open", "priority": "medium", "category": "request", "tags": ["heating"], "channel": "portal",
    "created_by": {"kind": "user", "id": "019ab1f2-0000-7000-8000-000000000001", "name": "Maria Feld"},
    "requester_id": "019ab1f2-0000-7000-8000-000000000001", "requester_name": "Maria Feld", "requester_email": null,
    "assigned_to": null, "assigned_to_name": null, "team": null, "due_at": null, "first_responded_at": null,
    "resolved_at": null, "closed_at": null, "external_id": null, "source": null, "version": 1,
    "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z"
}))]
pub struct Ticket {
    /// The ticket's identifier.
    pub id: TicketId,
    /// The ticket number, unique within the tenant.
    pub number: Number,
    /// A short summary.
    pub title: String,
    /// The full description.
    pub description: String,
    /// The status.
    pub status: Status,
    /// The priority.
    pub priority: Priority,
    /// One of the tenant's categories.
    pub category: Option<String>,
    /// Tags in lower case.
    pub tags: Vec<String>,
    /// The channel through which the ticket was created.
    pub channel: Channel,
    /// Who created the ticket.
    pub created_by: CreatedBy,
    /// The requester, if they are a person of the tenant.
    pub requester_id: Option<UserId>,
    /// The requester's display name.
    pub requester_name: Option<String>,
    /// The requester's email address, if they are not a person of the tenant. Masked without the permission
    /// `identity.user.read_sensitive`.
    pub requester_email: Option<String>,
    /// The assignee.
    pub assigned_to: Option<UserId>,
    /// The assignee's display name.
    pub assigned_to_name: Option<String>,
    /// The team that works on the ticket.
    pub team: Option<String>,
    /// When the ticket is due.
    pub due_at: Option<DateTime<Utc>>,
    /// When staff first responded.
    pub first_responded_at: Option<DateTime<Utc>>,
    /// When the ticket was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When the ticket was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// The identifier in the system that it was imported from.
    pub external_id: Option<String>,
    /// The system that it was imported from.
    pub source: Option<String>,
    /// The version, which increases with every change.
    pub version: i32,
    /// When the ticket was created.
    pub created_at: DateTime<Utc>,
    /// When the ticket last changed.
    pub updated_at: DateTime<Utc>,
}

/// Who created a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedBy {
    /// The type of actor.
    pub kind: ActorKind,
    /// The actor's identifier, if it has one.
    pub id: Option<Uuid>,
    /// The display name, if the actor is a person of the tenant.
    pub name: Option<String>,
}

impl Versioned for Ticket {
    fn version(&self) -> i32 {
        self.version
    }
}

impl Ticket {
    /// The ticket as this principal may see it: email addresses of external requesters are masked without
    /// `identity.user.read_sensitive`.
    pub(super) fn redacted_for(principal: &access::Principal, row: TicketRow) -> Self {
        let mut ticket = Self::from(row);
        if principal.reach("identity.user.read_sensitive").is_none() {
            ticket.requester_email = ticket.requester_email.as_deref().map(access::mask::email);
        }
        ticket
    }
}

impl From<TicketRow> for Ticket {
    fn from(row: TicketRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            title: row.title,
            description: row.description,
            status: row.status,
            priority: row.priority,
            category: row.category,
            tags: row.tags,
            channel: row.channel,
            created_by: CreatedBy {
                kind: row.created_by_kind,
                id: row.created_by_id,
                name: row.created_by_name,
            },
            requester_id: row.requester_id,
            requester_name: row.requester_name,
            requester_email: row.requester_email,
            assigned_to: row.assigned_to,
            assigned_to_name: row.assigned_to_name,
            team: row.team,
            due_at: row.due_at,
            first_responded_at: row.first_responded_at,
            resolved_at: row.resolved_at,
            closed_at: row.closed_at,
            external_id: row.external_id,
            source: row.external_source,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl utoipa::PartialSchema for Number {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^T-[0-9]+$"))
            .into()
    }
}
impl ToSchema for Number {}

//! A ticket, and what can be said about it.

use chrono::{DateTime, Utc};
use db::ActorKind;
use ids::{TicketId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{
    Email, Line, Text,
    body::{Change, Items},
    reply::Versioned,
};

use super::status::Status;

web::text_enum! {
    /// How soon it matters.
    pub enum Priority {
        /// Whenever.
        Low = "low",
        /// In its turn.
        Medium = "medium",
        /// Before others.
        High = "high",
        /// Now.
        Urgent = "urgent",
    }
}

web::text_enum! {
    /// How a ticket came in.
    pub enum Channel {
        /// Somebody who is signed in.
        Portal = "portal",
        /// A script with a key.
        Api = "api",
        /// A mail.
        Mail = "mail",
        /// The public form of the tenant's site.
        ContactForm = "contact_form",
    }
}

/// Categories of a tenant that has not set its own.
const DEFAULT_CATEGORIES: &[&str] = &["account", "billing", "bug", "question", "request", "other"];

/// A request for help.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx::FromRow)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "number": "T-1042",
    "title": "Heating in meeting room 3", "description": "It stays cold since Monday.",
    "status": "open", "priority": "medium", "category": "request", "tags": ["heating"], "channel": "portal",
    "created_by": {"kind": "user", "id": "019ab1f2-0000-7000-8000-000000000001"},
    "requester_id": "019ab1f2-0000-7000-8000-000000000001", "requester_name": "Maria Feld", "requester_email": null,
    "assigned_to": null, "assigned_to_name": null, "team": null, "due_at": null, "first_responded_at": null,
    "resolved_at": null, "closed_at": null, "version": 1,
    "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z"
}))]
pub struct Ticket {
    /// Its identifier.
    #[sqlx(rename = "ticket_id")]
    pub id: TicketId,
    /// What people call it.
    #[sqlx(try_from = "i32")]
    pub number: Number,
    /// What it is about.
    pub title: String,
    /// The whole story.
    pub description: String,
    /// Where it stands.
    pub status: Status,
    /// How soon it matters.
    pub priority: Priority,
    /// One of the tenant's categories.
    pub category: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// How it came in.
    pub channel: Channel,
    /// Who opened it.
    #[sqlx(flatten)]
    pub created_by: CreatedBy,
    /// Whose it is, when that is a person of the tenant.
    pub requester_id: Option<UserId>,
    /// Their name.
    pub requester_name: Option<String>,
    /// Whose it is, when that is somebody outside.
    pub requester_email: Option<String>,
    /// Who works on it.
    pub assigned_to: Option<UserId>,
    /// Their name.
    pub assigned_to_name: Option<String>,
    /// Which team works on it.
    pub team: Option<String>,
    /// When it should be done.
    pub due_at: Option<DateTime<Utc>>,
    /// When staff first answered.
    pub first_responded_at: Option<DateTime<Utc>>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Grows with every change.
    pub version: i32,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Versioned for Ticket {
    fn version(&self) -> i32 {
        self.version
    }
}

/// `T-1042`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub i32);

impl From<i32> for Number {
    fn from(number: i32) -> Self {
        Self(number)
    }
}
impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("T-{}", self.0))
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

/// Who opened a ticket.
#[derive(Clone, Debug, Serialize, ToSchema, sqlx::FromRow)]
pub struct CreatedBy {
    /// A person, a key, the platform.
    #[sqlx(rename = "created_by_kind")]
    pub kind: ActorKind,
    /// Which one.
    #[sqlx(rename = "created_by_id")]
    pub id: Option<Uuid>,
}

/// A short label: lower case, one line.
pub(crate) type Tag = Line<1, 40>;

web::body! {
    /// A ticket to be opened.
    pub struct CreateTicket {
        /// What it is about, in one line.
        pub title: Line<1, 255>,
        /// The whole story.
        pub description: Option<Text<0, 20_000>>,
        /// How soon it matters; `medium` when not said.
        pub priority: Option<Priority>,
        /// One of the tenant's categories.
        pub category: Option<Line<1, 40>>,
        /// Free labels.
        pub tags: Option<Items<Tag, 20>>,
        /// Whose it is; staff and keys open tickets for others. Without it: the caller.
        pub requester_id: Option<UserId>,
        /// Whose it is, when that is somebody outside.
        pub requester_email: Option<Email>,
        /// When it should be done; staff only.
        pub due_at: Option<DateTime<Utc>>,
        /// Who works on it; staff only.
        pub assigned_to: Option<UserId>,
        /// Which team works on it; staff only.
        pub team: Option<Line<1, 80>>,
    }
    example { "title": "Heating in meeting room 3", "description": "It stays cold since Monday.", "priority": "medium", "category": "request", "tags": ["heating"] }
}

web::body! {
    /// What changes about a ticket; what is not named stays.
    pub struct UpdateTicket {
        /// What it is about, in one line.
        pub title: Change<Line<1, 255>>,
        /// The whole story.
        pub description: Change<Text<0, 20_000>>,
        /// The next step; a refusal names the legal ones.
        pub status: Change<Status>,
        /// How soon it matters; staff only.
        pub priority: Change<Priority>,
        /// One of the tenant's categories, or null.
        pub category: Change<Option<Line<1, 40>>>,
        /// Free labels; staff only.
        pub tags: Change<Items<Tag, 20>>,
        /// Who works on it, or null; staff only.
        pub assigned_to: Change<Option<UserId>>,
        /// Which team works on it, or null; staff only.
        pub team: Change<Option<Line<1, 80>>>,
        /// When it should be done, or null; staff only.
        pub due_at: Change<Option<DateTime<Utc>>>,
    }
    example { "status": "in_progress", "priority": "high" }
}

/// The tenant's categories, from its settings.
pub(crate) fn categories(tenant: &access::Tenant) -> Vec<String> {
    match tenant
        .settings
        .get("ticket_categories")
        .and_then(serde_json::Value::as_array)
    {
        Some(own) => own
            .iter()
            .filter_map(|category| category.as_str().map(str::to_owned))
            .collect(),
        None => DEFAULT_CATEGORIES.iter().map(ToString::to_string).collect(),
    }
}

/// Labels in lower case, each once, in order.
pub(crate) fn tags(tags: Items<Tag, 20>) -> Vec<String> {
    let mut tags: Vec<String> = tags
        .0
        .into_iter()
        .map(|tag| tag.as_str().to_lowercase())
        .collect();
    tags.sort();
    tags.dedup();
    tags
}

//! A remark on a ticket.

use chrono::{DateTime, Utc};
use db::ActorKind;
use ids::{TicketCommentId, TicketId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Text, reply::Versioned};

web::text_enum! {
    /// Who sees a comment.
    pub enum Visibility {
        /// Everybody on the ticket.
        Public = "public",
        /// Staff alone.
        Internal = "internal",
    }
}

/// A remark on a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f3-1111-7c11-8e5a-3b1a2c3d4e5f", "ticket_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "author": {"kind": "user", "id": "019ab1f2-0000-7000-8000-000000000002", "name": "Ole Brandt"},
    "content": "A technician comes tomorrow at nine.", "visibility": "public", "edited_at": null, "version": 1,
    "created_at": "2026-11-20T11:00:00Z", "updated_at": "2026-11-20T11:00:00Z"
}))]
pub struct Comment {
    /// Its identifier.
    pub id: TicketCommentId,
    /// On which ticket.
    pub ticket_id: TicketId,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub content: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// When it was last edited.
    pub edited_at: Option<DateTime<Utc>>,
    /// Grows with every change.
    pub version: i32,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Versioned for Comment {
    fn version(&self) -> i32 {
        self.version
    }
}

/// Who wrote or did something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Author {
    /// A person, a key, the platform.
    pub kind: ActorKind,
    /// Which one.
    pub id: Option<Uuid>,
    /// Their name, when it is a person of the tenant.
    pub name: Option<String>,
}

web::body! {
    /// A comment to be written.
    pub struct CreateComment {
        /// What it says.
        pub content: Text<1, 20_000>,
        /// Who sees it; `public` when not said. Only staff writes internal ones.
        pub visibility: Option<Visibility>,
    }
    example { "content": "A technician comes tomorrow at nine.", "visibility": "public" }
}

web::body! {
    /// A comment's new text.
    pub struct UpdateComment {
        /// What it says now.
        pub content: Text<1, 20_000>,
    }
    example { "content": "A technician comes on Thursday at nine." }
}

//! A ticket's history.

use crate::ids::TicketHistoryId;
use access::{
    Caller,
    list::{ListQuery, Listed},
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use ids::TicketId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{Page, PathIds, problem::Result};

use super::{
    Author,
    page::{Unfiltered, ticket_page},
};
use crate::{
    App,
    permissions::TicketRead,
    store::history::{self, HistoryRow},
};

/// A change of one field of a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// The entry's identifier.
    pub id: TicketHistoryId,
    /// The field that changed, or one of `created`, `imported`, `comment` and `deleted`.
    pub field: String,
    /// The value before the change.
    #[schema(value_type = Option<Value>)]
    pub old: Option<Value>,
    /// The value after the change.
    #[schema(value_type = Option<Value>)]
    pub new: Option<Value>,
    /// Who made the change.
    pub actor: Author,
    /// When the change was made.
    pub occurred_at: DateTime<Utc>,
}

impl From<HistoryRow> for HistoryEntry {
    fn from(row: HistoryRow) -> Self {
        Self {
            id: row.id,
            field: row.field,
            old: row.old_value.filter(|value| !value.is_null()),
            new: row.new_value.filter(|value| !value.is_null()),
            actor: Author {
                kind: row.actor_kind,
                id: row.actor_id,
                name: row.actor_name,
            },
            occurred_at: row.occurred_at,
        }
    }
}

/// List a ticket's history
///
/// Returns the changes of a ticket, oldest first, with one entry per changed field. Customers see public changes only; staff
/// also see entries about internal comments, deletion and import.
#[utoipa::path(get, path = "/tickets/{id}/history", responses((status = 200, body = Page<HistoryEntry>, description = "A page of history entries.")))]
pub(crate) async fn list_history(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    PathIds(id): PathIds<TicketId>,
    query: ListQuery<Unfiltered>,
) -> Result<Listed<HistoryEntry>> {
    let source = (&history::HISTORY, history::OLDEST_FIRST);
    let listed = ticket_page(&app, &caller, id, &query, source, "h").await?;
    Ok(listed.map(|row: HistoryRow| HistoryEntry::from(row)))
}

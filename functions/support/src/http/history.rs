//! A ticket's history.

use crate::ids::TicketHistoryId;
use access::Caller;
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ids::TicketId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{Page, PathIds, ValidQuery, problem::Result};

use super::{
    Author,
    page::{PageQuery, ticket_page},
};
use crate::{
    App,
    permissions::TicketRead,
    store::history::{self, HistoryRow, Position},
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
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Json<Page<HistoryEntry>>> {
    let page = ticket_page(
        &app,
        &caller,
        "history",
        id,
        &query,
        async |tx, scope, after, limit| history::list_history(tx, id, scope, after, limit).await,
        |last: &HistoryRow| Position {
            occurred_at: last.occurred_at,
            place: last.position,
            id: last.id,
        },
    )
    .await?;
    Ok(Json(page.map(HistoryEntry::from)))
}

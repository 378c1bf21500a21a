//! A ticket's history.

use access::Caller;
use axum::{Json, extract::State};
use ids::TicketId;
use web::{Page, PathIds, ValidQuery, problem::Result};

use super::page::{PageQuery, page_of_ticket};
use crate::{
    App,
    permissions::TicketRead,
    store::history::{self, HistoryEntry, Position},
};

/// Read a ticket's history, oldest first: one entry a changed field.
#[utoipa::path(get, path = "/tickets/{id}/history", responses((status = 200, body = Page<HistoryEntry>, description = "A page of history.")))]
pub(crate) async fn list_history(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    PathIds(id): PathIds<TicketId>,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Json<Page<HistoryEntry>>> {
    page_of_ticket(
        &app,
        &caller,
        ("history", id),
        &query,
        async |tx, sight, after, limit| history::list_history(tx, id, sight, after, limit).await,
        |last| Position {
            occurred_at: last.occurred_at,
            place: last.place,
            id: last.id,
        },
    )
    .await
}

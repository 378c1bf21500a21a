//! A ticket's history.

use access::Caller;
use axum::{Json, extract::State};
use ids::TicketId;
use web::{Page, PathIds, Scope, ValidQuery, problem::Result};

use super::{comments::PageQuery, load, sight};
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
    let scope = Scope::new("history", caller.tenant.id, &(id, caller.user));
    let after: Option<Position> = query
        .cursor
        .as_deref()
        .map(|cursor| app.cursors.open(&scope, cursor))
        .transpose()?;
    let mut tx = caller.begin(&app.db).await?;
    load(&mut tx, caller.reach(), id).await?;
    let rows = history::list_history(
        &mut tx,
        id,
        sight(caller.reach()),
        after.as_ref(),
        query.limit,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(query.limit.page(rows, |last| {
        let position = Position {
            occurred_at: last.occurred_at,
            place: last.place,
            id: last.id,
        };
        app.cursors.seal(&scope, &position)
    })))
}

//! Tickets.

mod body;
mod categories;
mod create;
mod import;
mod list;
mod update;
mod view;

use access::Caller;
use axum::extract::State;
use http::StatusCode;
use ids::TicketId;
use serde_json::json;
use web::{Fetched, IfMatch, PathIds, problem, problem::Result};

pub(crate) use create::{__path_create_ticket, create_ticket};
pub(crate) use import::{__path_import_tickets, import_tickets};
pub(crate) use list::{__path_list_tickets, list_tickets};
pub(crate) use update::{__path_update_ticket, record_changes, update_ticket};

use self::view::Ticket;
use super::{announce, load_ticket, lock_ticket};
use crate::{
    App,
    domain::comment::Visibility,
    events::TICKET_DELETED,
    permissions::{TicketDelete, TicketRead, TicketRestore},
    store::{
        history::{self, FieldChange},
        tickets,
    },
};

/// Get a ticket
///
/// Returns one ticket. Customers can only get their own tickets.
#[utoipa::path(get, path = "/tickets/{id}", responses((status = 200, body = Ticket, description = "The ticket.")))]
pub(crate) async fn get_ticket(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    PathIds(id): PathIds<TicketId>,
) -> Result<Fetched<Ticket>> {
    let mut tx = caller.begin(&app.db).await?;
    let ticket = load_ticket(&mut tx, caller.reach(), id).await?;
    tx.commit().await?;
    Ok(Fetched(Ticket::redacted_for(&caller, ticket)))
}

/// Delete a ticket
///
/// Deletes a ticket with its comments. Admins can restore it within 30 days.
#[utoipa::path(delete, path = "/tickets/{id}", responses((status = 204, description = "The ticket was deleted.")))]
pub(crate) async fn delete_ticket(
    State(app): State<App>,
    caller: Caller<TicketDelete>,
    PathIds(id): PathIds<TicketId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let now = app.state.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    let ticket = lock_ticket(&mut tx, caller.reach(), id).await?;
    if_match.check(ticket.version)?;
    tickets::delete_ticket(&mut tx, id, now).await?;
    let change = FieldChange {
        field: "deleted",
        old: json!(false),
        new: json!(true),
    };
    history::append_history(&mut tx, id, &[change], Visibility::Internal, now).await?;
    let data = json!({"ticket_id": id, "deleted": true});
    announce(
        &mut tx,
        &caller,
        now,
        &TICKET_DELETED,
        (id, ticket.version + 1),
        data,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restore a deleted ticket
///
/// Restores a ticket with its comments and history if it was deleted less than 30 days ago.
#[utoipa::path(post, path = "/tickets/{id}/restore", responses((status = 200, body = Ticket, description = "The restored ticket.")))]
pub(crate) async fn restore_ticket(
    State(app): State<App>,
    caller: Caller<TicketRestore>,
    PathIds(id): PathIds<TicketId>,
) -> Result<Fetched<Ticket>> {
    let now = app.state.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    if !tickets::restore_ticket(&mut tx, id, now).await? {
        return Err(problem::NOT_FOUND.problem());
    }
    let ticket = load_ticket(&mut tx, caller.reach(), id).await?;
    let change = FieldChange {
        field: "deleted",
        old: json!(true),
        new: json!(false),
    };
    history::append_history(&mut tx, id, &[change], Visibility::Internal, now).await?;
    let data = json!({"ticket_id": id, "deleted": false});
    announce(
        &mut tx,
        &caller,
        now,
        &TICKET_DELETED,
        (id, ticket.version),
        data,
    )
    .await?;
    tx.commit().await?;
    Ok(Fetched(Ticket::redacted_for(&caller, ticket)))
}

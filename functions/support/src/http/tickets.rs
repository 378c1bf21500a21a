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
use events::UnitOfWork;
use http::StatusCode;
use ids::TicketId;
use serde_json::json;
use web::{Fetched, IfMatch, PathIds, problem, problem::Result};

pub(crate) use categories::{__path_list_categories, list_categories};
pub(crate) use create::{__path_create_ticket, create_ticket};
pub(crate) use import::{__path_import_tickets, import_tickets};
pub(crate) use list::{__path_list_tickets, list_tickets};
pub(crate) use update::{__path_update_ticket, check_open, record_changes, update_ticket};

use self::view::Ticket;
use super::{load_ticket, lock_ticket};
use crate::{
    App,
    domain::comment::Visibility,
    events::TicketDeleted,
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
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let ticket = load_ticket(&mut unit, caller.reach(), id).await?;
    unit.commit().await?;
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
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let ticket = lock_ticket(&mut unit, caller.reach(), id).await?;
    if_match.check(ticket.version)?;
    tickets::delete_ticket(&mut unit, id).await?;
    record_deletion(&mut unit, id, ticket.version + 1, true).await?;
    unit.commit().await?;
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
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    if !tickets::restore_ticket(&mut unit, id).await? {
        return Err(problem::NOT_FOUND.problem());
    }
    let ticket = load_ticket(&mut unit, caller.reach(), id).await?;
    record_deletion(&mut unit, id, ticket.version, false).await?;
    unit.commit().await?;
    Ok(Fetched(Ticket::redacted_for(&caller, ticket)))
}

/// Records the deletion or restoration of a ticket in its history and publishes it.
async fn record_deletion(
    unit: &mut UnitOfWork,
    ticket_id: TicketId,
    version: i32,
    deleted: bool,
) -> Result<()> {
    let change = FieldChange {
        field: "deleted",
        old: json!(!deleted),
        new: json!(deleted),
    };
    history::append_history(unit, ticket_id, &[change], Visibility::Internal).await?;
    let event = TicketDeleted { ticket_id, deleted };
    unit.publish(version, event).await?;
    Ok(())
}

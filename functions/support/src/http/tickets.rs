//! Tickets: opened, listed, read, changed, deleted, brought back.

mod create;
mod import;
mod list;
mod update;

use access::Caller;
use axum::extract::State;
use http::StatusCode;
use ids::TicketId;
use serde_json::{Value, json};
use web::{Fetched, IfMatch, PathIds, problem, problem::Result};

pub(crate) use create::{__path_create_ticket, create_ticket};
pub(crate) use import::{__path_import_tickets, import_tickets};
pub(crate) use list::{__path_list_tickets, list_tickets};
pub(crate) use update::{__path_update_ticket, record_changes, update_ticket};

use super::{announce, load, lock};
use crate::{
    App,
    domain::{changes::FieldChange, comment::Visibility, ticket::Ticket},
    events::TICKET_DELETED,
    permissions::{TicketDelete, TicketRead, TicketRestore},
    store::{history, tickets},
};

/// Read one ticket.
#[utoipa::path(get, path = "/tickets/{id}", responses((status = 200, body = Ticket, description = "The ticket.")))]
pub(crate) async fn get_ticket(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    PathIds(id): PathIds<TicketId>,
) -> Result<Fetched<Ticket>> {
    let mut tx = caller.begin(&app.db).await?;
    let ticket = load(&mut tx, caller.reach(), id).await?;
    tx.commit().await?;
    Ok(Fetched(shown(&caller, ticket)))
}

/// Delete a ticket; admins can bring it back for 30 days.
#[utoipa::path(delete, path = "/tickets/{id}", responses((status = 204, description = "Deleted.")))]
pub(crate) async fn delete_ticket(
    State(app): State<App>,
    caller: Caller<TicketDelete>,
    PathIds(id): PathIds<TicketId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    let ticket = lock(&mut tx, caller.reach(), id).await?;
    if_match.check(ticket.version)?;
    tickets::delete_ticket(&mut tx, id, now).await?;
    let change = FieldChange {
        field: "deleted",
        old: json!(false),
        new: json!(true),
    };
    history::append(&mut tx, id, &[change], Visibility::Internal, now).await?;
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

/// Bring a ticket back that was deleted less than 30 days ago.
#[utoipa::path(post, path = "/tickets/{id}/restore", responses((status = 200, body = Ticket, description = "The ticket, as it was.")))]
pub(crate) async fn restore_ticket(
    State(app): State<App>,
    caller: Caller<TicketRestore>,
    PathIds(id): PathIds<TicketId>,
) -> Result<Fetched<Ticket>> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    if !tickets::restore_ticket(&mut tx, id, now).await? {
        return Err(problem::NOT_FOUND.problem());
    }
    let ticket = load(&mut tx, caller.reach(), id).await?;
    let change = FieldChange {
        field: "deleted",
        old: json!(true),
        new: json!(false),
    };
    history::append(&mut tx, id, &[change], Visibility::Internal, now).await?;
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
    Ok(Fetched(shown(&caller, ticket)))
}

/// The ticket as this caller may see it: outside addresses masked without `identity.user.read_sensitive`.
pub(crate) fn shown(principal: &access::Principal, mut ticket: Ticket) -> Ticket {
    if principal.reach("identity.user.read_sensitive").is_none() {
        ticket.requester_email = ticket.requester_email.as_deref().map(access::mask::email);
    }
    ticket
}

/// A value that history should not repeat at length.
pub(crate) fn brief(value: &Value) -> Value {
    match value.as_str() {
        Some(text) if text.chars().count() > 255 => {
            Value::String(text.chars().take(254).chain(std::iter::once('…')).collect())
        }
        _ => value.clone(),
    }
}

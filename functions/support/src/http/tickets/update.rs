//! Updating a ticket.

use access::Caller;
use axum::extract::State;
use events::UnitOfWork;
use ids::TicketId;
use web::{Fetched, IfMatch, PathIds, Problem, ValidJson, body::Change, problem::Result};

use super::{body::UpdateTicket, categories::check_category, create::NOT_ASSIGNABLE, view::Ticket};
use crate::{
    App,
    domain::{
        comment::Visibility,
        status::{Status, TicketRole},
        update::TicketFields,
    },
    error::TICKET_CLOSED,
    events::{TicketAssigned, TicketClosed, TicketResolved, TicketStatusChanged, TicketUpdated},
    http::{load_ticket, lock_ticket, ticket_role},
    permissions::TicketUpdate,
    store::{
        history::{self, FieldChange},
        tickets::{self, TicketRow},
    },
};

/// Update a ticket
///
/// Changes the given fields; omitted fields keep their value. Customers can change title, description and category of their own
/// tickets, and close or reopen them. The other fields and transitions are for staff.
#[utoipa::path(
    method(put, patch),
    path = "/tickets/{id}",
    responses(
        (status = 200, body = Ticket, description = "The updated ticket."),
    )
)]
pub(crate) async fn update_ticket(
    State(app): State<App>,
    caller: Caller<TicketUpdate>,
    PathIds(id): PathIds<TicketId>,
    if_match: IfMatch,
    body: ValidJson<UpdateTicket>,
) -> Result<Fetched<Ticket>> {
    let update = body.value;
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let ticket = lock_ticket(&mut unit, caller.reach(), id).await?;
    if_match.check(ticket.version)?;
    if let Change::Set(Some(assignee)) = update.assigned_to
        && ticket.assigned_to != Some(assignee)
        && !tickets::is_assignable(&mut unit, assignee).await?
    {
        return Err(Problem::field("/assigned_to", NOT_ASSIGNABLE));
    }
    if let Change::Set(Some(category)) = &update.category
        && ticket.category.as_deref() != Some(category.as_str())
    {
        check_category(&caller, Some(category.as_str()))?;
    }
    let old = ticket.fields();
    let new = old.apply(update.into(), ticket_role(caller.reach()), unit.now())?;
    let changes = history::field_changes(&old, &new);
    if changes.is_empty() {
        unit.commit().await?;
        return Ok(Fetched(Ticket::redacted_for(&caller, ticket)));
    }
    check_open(&ticket, ticket_role(caller.reach()))?;
    record_changes(&mut unit, &ticket, &new, changes).await?;
    let ticket = load_ticket(&mut unit, caller.reach(), id).await?;
    unit.commit().await?;
    Ok(Fetched(Ticket::redacted_for(&caller, ticket)))
}

/// Refuses a customer's change of a closed ticket, its comments included: what was agreed stays as it was. Staff can still correct
/// the record.
pub(crate) fn check_open(ticket: &TicketRow, role: TicketRole) -> Result<()> {
    if role == TicketRole::Customer && ticket.status == Status::Closed {
        return Err(TICKET_CLOSED.problem());
    }
    Ok(())
}

/// Saves changed fields, appends them to the history and publishes their events.
pub(crate) async fn record_changes(
    unit: &mut UnitOfWork,
    ticket: &TicketRow,
    new: &TicketFields,
    changes: Vec<FieldChange>,
) -> Result<()> {
    let (ticket_id, version) = (ticket.id, ticket.version + 1);
    tickets::update_ticket(unit, ticket_id, new).await?;
    let changes: Vec<FieldChange> = changes.into_iter().map(FieldChange::truncate).collect();
    history::append_history(unit, ticket_id, &changes, Visibility::Public).await?;
    let updated = TicketUpdated {
        ticket_id,
        fields: changes
            .iter()
            .map(|change| change.field.to_owned())
            .collect(),
    };
    unit.publish(version, updated).await?;
    if new.assigned_to != ticket.assigned_to {
        let assigned = TicketAssigned {
            ticket_id,
            assigned_to: new.assigned_to,
            previously: ticket.assigned_to,
            number: ticket.number,
            author: unit.actor(),
        };
        unit.publish(version, assigned).await?;
    }
    if new.status != ticket.status {
        let transition = TicketStatusChanged {
            ticket_id,
            from: ticket.status,
            to: new.status,
        };
        unit.publish(version, transition).await?;
        match new.status {
            Status::Resolved => {
                let resolved = TicketResolved {
                    ticket_id,
                    number: ticket.number,
                    requester_id: ticket.requester_id,
                    author: unit.actor(),
                };
                unit.publish(version, resolved).await?;
            }
            Status::Closed => {
                let closed = TicketClosed {
                    ticket_id,
                    number: ticket.number,
                    requester_id: ticket.requester_id,
                    author: unit.actor(),
                };
                unit.publish(version, closed).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

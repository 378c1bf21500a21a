//! Updating a ticket.

use access::{Caller, Permission};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::TicketId;
use serde_json::json;
use web::{Fetched, IfMatch, PathIds, Problem, ValidJson, body::Change, problem::Result};

use super::{body::UpdateTicket, categories::check_category, create::NOT_ASSIGNABLE, view::Ticket};
use crate::{
    App,
    domain::{comment::Visibility, status::Status, update::TicketFields},
    events::{
        TICKET_ASSIGNED, TICKET_CLOSED, TICKET_RESOLVED, TICKET_STATUS_CHANGED, TICKET_UPDATED,
    },
    http::{announce, load_ticket, lock_ticket, ticket_role},
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
    let now = app.state.clock().now();
    let update = body.value;
    let mut tx = caller.begin(&app.db).await?;
    let ticket = lock_ticket(&mut tx, caller.reach(), id).await?;
    if_match.check(ticket.version)?;
    if let Change::Set(Some(assignee)) = update.assigned_to
        && ticket.assigned_to != Some(assignee)
        && !tickets::is_assignable(&mut tx, assignee).await?
    {
        return Err(Problem::field("/assigned_to", NOT_ASSIGNABLE));
    }
    if let Change::Set(Some(category)) = &update.category
        && ticket.category.as_deref() != Some(category.as_str())
    {
        check_category(&caller, Some(category.as_str()))?;
    }
    let old = ticket.fields();
    let new = old.apply(update.into(), ticket_role(caller.reach()), now)?;
    let changes = history::field_changes(&old, &new);
    if changes.is_empty() {
        tx.commit().await?;
        return Ok(Fetched(Ticket::redacted_for(&caller, ticket)));
    }
    record_changes(&mut tx, &caller, &ticket, &new, changes, now).await?;
    let ticket = load_ticket(&mut tx, caller.reach(), id).await?;
    tx.commit().await?;
    Ok(Fetched(Ticket::redacted_for(&caller, ticket)))
}

/// Saves changed fields, appends them to the history and publishes their events.
pub(crate) async fn record_changes<P: Permission>(
    tx: &mut TenantTx,
    caller: &Caller<P>,
    ticket: &TicketRow,
    new: &TicketFields,
    changes: Vec<FieldChange>,
    now: DateTime<Utc>,
) -> Result<()> {
    tickets::update_ticket(tx, ticket.id, new, now).await?;
    let changes: Vec<FieldChange> = changes.into_iter().map(FieldChange::truncate).collect();
    history::append_history(tx, ticket.id, &changes, Visibility::Public, now).await?;
    let revision = (ticket.id, ticket.version + 1);
    let fields: Vec<&str> = changes.iter().map(|change| change.field).collect();
    announce(
        tx,
        caller,
        now,
        &TICKET_UPDATED,
        revision,
        json!({"ticket_id": ticket.id, "fields": fields}),
    )
    .await?;
    if new.assigned_to != ticket.assigned_to {
        let data = json!({"ticket_id": ticket.id, "assigned_to": new.assigned_to, "previously": ticket.assigned_to});
        announce(tx, caller, now, &TICKET_ASSIGNED, revision, data).await?;
    }
    if new.status != ticket.status {
        let data = json!({"ticket_id": ticket.id, "from": ticket.status, "to": new.status});
        announce(tx, caller, now, &TICKET_STATUS_CHANGED, revision, data).await?;
        let milestone = match new.status {
            Status::Resolved => Some(&TICKET_RESOLVED),
            Status::Closed => Some(&TICKET_CLOSED),
            _ => None,
        };
        if let Some(kind) = milestone {
            announce(
                tx,
                caller,
                now,
                kind,
                revision,
                json!({"ticket_id": ticket.id}),
            )
            .await?;
        }
    }
    Ok(())
}

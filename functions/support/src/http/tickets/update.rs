//! Changing a ticket.

use access::{Caller, Permission};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::TicketId;
use serde_json::json;
use web::{Fetched, IfMatch, PathIds, Problem, ValidJson, body::Change, problem::Result};

use super::{
    brief,
    create::{check_category, not_assignable},
    shown,
};
use crate::{
    App,
    domain::{
        changes::{self, FieldChange, NewValues},
        comment::Visibility,
        status::Status,
        ticket::{Ticket, UpdateTicket},
    },
    events::{
        TICKET_ASSIGNED, TICKET_CLOSED, TICKET_RESOLVED, TICKET_STATUS_CHANGED, TICKET_UPDATED,
    },
    http::{announce, load, lock, side},
    permissions::TicketUpdate,
    store::{history, tickets},
};

/// Change a ticket; what the body does not name stays as it is.
#[utoipa::path(
    method(put, patch),
    path = "/tickets/{id}",
    responses(
        (status = 200, body = Ticket, description = "The ticket as it is now."),
    )
)]
pub(crate) async fn update_ticket(
    State(app): State<App>,
    caller: Caller<TicketUpdate>,
    PathIds(id): PathIds<TicketId>,
    if_match: IfMatch,
    body: ValidJson<UpdateTicket>,
) -> Result<Fetched<Ticket>> {
    let now = app.gate.clock().now();
    let update = body.value;
    let mut tx = caller.begin(&app.db).await?;
    let ticket = lock(&mut tx, caller.reach(), id).await?;
    if_match.check(ticket.version)?;
    if let Change::Set(Some(assignee)) = update.assigned_to
        && ticket.assigned_to != Some(assignee)
        && !tickets::is_assignable(&mut tx, assignee).await?
    {
        return Err(Problem::field("/assigned_to", not_assignable()));
    }
    if let Change::Set(Some(category)) = &update.category
        && ticket.category.as_deref() != Some(category.as_str())
    {
        check_category(&caller, Some(category.as_str()))?;
    }
    let (new, changes) = changes::apply(&ticket, update, side(caller.reach()), now)?;
    if changes.is_empty() {
        tx.commit().await?;
        return Ok(Fetched(shown(&caller, ticket)));
    }
    record_changes(&mut tx, &caller, &ticket, &new, &changes, now).await?;
    let ticket = load(&mut tx, caller.reach(), id).await?;
    tx.commit().await?;
    Ok(Fetched(shown(&caller, ticket)))
}

/// Writes changed values with their history and announcements.
pub(crate) async fn record_changes<P: Permission>(
    tx: &mut TenantTx,
    caller: &Caller<P>,
    ticket: &Ticket,
    new: &NewValues,
    changes: &[FieldChange],
    now: DateTime<Utc>,
) -> Result<()> {
    tickets::update_ticket(tx, ticket.id, new, now).await?;
    let told: Vec<FieldChange> = changes
        .iter()
        .map(|change| FieldChange {
            field: change.field,
            old: brief(&change.old),
            new: brief(&change.new),
        })
        .collect();
    history::append(tx, ticket.id, &told, Visibility::Public, now).await?;
    let place = (ticket.id, ticket.version + 1);
    let fields: Vec<&str> = changes.iter().map(|change| change.field).collect();
    announce(
        tx,
        caller,
        now,
        &TICKET_UPDATED,
        place,
        json!({"ticket_id": ticket.id, "fields": fields}),
    )
    .await?;
    if new.assigned_to != ticket.assigned_to {
        let data = json!({"ticket_id": ticket.id, "assigned_to": new.assigned_to, "previously": ticket.assigned_to});
        announce(tx, caller, now, &TICKET_ASSIGNED, place, data).await?;
    }
    if new.status != ticket.status {
        let data = json!({"ticket_id": ticket.id, "from": ticket.status, "to": new.status});
        announce(tx, caller, now, &TICKET_STATUS_CHANGED, place, data).await?;
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
                place,
                json!({"ticket_id": ticket.id}),
            )
            .await?;
        }
    }
    Ok(())
}

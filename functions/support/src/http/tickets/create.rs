//! Opening a ticket.

use access::{Attempt, Caller, Idempotent, Reach};
use axum::{extract::State, response::Response};
use db::TenantTx;
use ids::TicketId;
use serde_json::json;
use web::{
    Created, Problem,
    problem::{FieldCode, Result},
};

use super::shown;
use crate::{
    App,
    domain::{
        changes::FieldChange,
        comment::Visibility,
        status::Side,
        ticket::{Channel, CreateTicket, Priority, Ticket, categories, tags},
    },
    error::STAFF_ONLY_FIELD,
    events::TICKET_CREATED,
    http::{announce, load, side},
    permissions::TicketCreate,
    store::{
        history,
        tickets::{self, NewTicket},
    },
};

/// Open a ticket.
#[utoipa::path(
    post,
    path = "/tickets",
    responses(
        (status = 201, body = Ticket, description = "Opened.", headers(
            ("Location" = String, description = "Where it is."),
            ("Idempotent-Replayed" = Option<String>, description = "`true` when this is the answer to an earlier request with the same key."),
        )),
    )
)]
pub(crate) async fn create_ticket(
    State(app): State<App>,
    caller: Caller<TicketCreate>,
    body: Idempotent<CreateTicket>,
) -> Result<Response> {
    let now = app.gate.clock().now();
    let (mut tx, body, pending) = match body.begin(&caller, &app.db, now).await? {
        Attempt::First(tx, body, pending) => (tx, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let new = checked(&mut tx, &caller, body, TicketId::at(now)).await?;
    tickets::insert_ticket(&mut tx, &new, now).await?;
    let ticket = load(&mut tx, Reach::All, new.id).await?;
    let opened = FieldChange {
        field: "created",
        old: json!(null),
        new: json!(ticket.status),
    };
    history::append(&mut tx, new.id, &[opened], Visibility::Public, now).await?;
    let data = json!({
        "ticket_id": ticket.id, "number": ticket.number, "priority": ticket.priority, "requester_id": ticket.requester_id,
        "assigned_to": ticket.assigned_to, "author": caller.actor,
    });
    announce(
        &mut tx,
        &caller,
        now,
        &TICKET_CREATED,
        (ticket.id, ticket.version),
        data,
    )
    .await?;
    let location = format!("/api/v1/tickets/{}", ticket.id);
    pending
        .created(
            tx,
            Created {
                location,
                resource: shown(&caller, ticket),
            },
        )
        .await
}

/// What the caller may say, with people and category looked up.
async fn checked(
    tx: &mut TenantTx,
    caller: &Caller<TicketCreate>,
    body: CreateTicket,
    id: TicketId,
) -> Result<NewTicket> {
    if side(caller.reach()) == Side::Customer {
        let reserved = [
            (
                "requester_id",
                body.requester_id.is_some() && body.requester_id != caller.user,
            ),
            ("requester_email", body.requester_email.is_some()),
            ("assigned_to", body.assigned_to.is_some()),
            ("team", body.team.is_some()),
            ("due_at", body.due_at.is_some()),
        ];
        if let Some((field, _)) = reserved.iter().find(|(_, named)| *named) {
            return Err(STAFF_ONLY_FIELD.problem().argument("field", field));
        }
    }
    if let Some(requester) = body.requester_id
        && Some(requester) != caller.user
        && !tickets::is_person(tx, requester).await?
    {
        return Err(Problem::field("/requester_id", unknown_person()));
    }
    if let Some(assignee) = body.assigned_to
        && !tickets::is_assignable(tx, assignee).await?
    {
        return Err(Problem::field("/assigned_to", not_assignable()));
    }
    let category = body.category.map(web::Line::into_string);
    check_category(caller, category.as_deref())?;
    // Nobody is named: the caller, unless that is a key, or staff of the platform acting in a customer's tenant.
    let own = caller
        .user
        .filter(|_| body.requester_email.is_none() && caller.actor.kind == db::ActorKind::User);
    Ok(NewTicket {
        id,
        title: body.title.into_string(),
        description: body
            .description
            .map(web::Text::into_string)
            .unwrap_or_default(),
        priority: body.priority.unwrap_or(Priority::Medium),
        category,
        tags: body.tags.map(tags).unwrap_or_default(),
        channel: if caller.api_key.is_some() {
            Channel::Api
        } else {
            Channel::Portal
        },
        requester_id: body.requester_id.or(own),
        requester_email: body.requester_email.map(web::Email::into_string),
        assigned_to: body.assigned_to,
        team: body.team.map(web::Line::into_string),
        due_at: body.due_at,
    })
}

/// Refuses a category that the tenant does not have, and names those that it has.
pub(crate) fn check_category(principal: &access::Principal, category: Option<&str>) -> Result<()> {
    let Some(category) = category else {
        return Ok(());
    };
    let known = categories(&principal.tenant);
    if known.iter().any(|one| one == category) {
        return Ok(());
    }
    Err(Problem::field(
        "/category",
        FieldCode::NotOneOf(known.join(", ")),
    ))
}

pub(crate) fn not_assignable() -> FieldCode {
    FieldCode::Rule(
        "not_assignable",
        web::Texts {
            de: "ist keine aktive Mitarbeiterin, kein aktiver Mitarbeiter hier",
            en: "is nobody of the active staff here",
        },
    )
}

fn unknown_person() -> FieldCode {
    FieldCode::Rule(
        "unknown_person",
        web::Texts {
            de: "gibt es hier nicht",
            en: "is nobody here",
        },
    )
}

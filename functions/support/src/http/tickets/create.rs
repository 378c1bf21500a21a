//! Creating a ticket.

use access::{Caller, Reach};
use axum::{extract::State, response::Response};
use db::TenantTx;
use events::{Attempt, Idempotent};
use ids::TicketId;
use serde_json::json;
use web::{
    Created, Problem,
    problem::{FieldCode, Result},
};

use super::{
    body::{CreateTicket, tag_list},
    categories::check_category,
    view::Ticket,
};
use crate::{
    App,
    domain::{
        comment::Visibility,
        status::TicketRole,
        ticket::{Channel, Priority},
    },
    error::STAFF_ONLY_FIELD,
    events::TicketCreated,
    http::{load_ticket, ticket_role},
    permissions::TicketCreate,
    store::{
        history::{self, FieldChange},
        tickets::{self, NewTicket},
    },
};

/// The person cannot be assigned to tickets.
pub(super) const NOT_ASSIGNABLE: FieldCode = FieldCode::Rule(
    "not_assignable",
    web::Localized {
        de: "muss aktive Mitarbeiterin oder aktiver Mitarbeiter dieser Organisation sein",
        en: "must be an active staff member of this organisation",
    },
);

const UNKNOWN_PERSON: FieldCode = FieldCode::Rule(
    "unknown_person",
    web::Localized {
        de: "ist in dieser Organisation nicht bekannt",
        en: "does not exist in this organisation",
    },
);

const ONE_REQUESTER: FieldCode = FieldCode::Rule(
    "one_requester",
    web::Localized {
        de: "darf nicht zusammen mit requester_id angegeben werden",
        en: "must not be given together with requester_id",
    },
);

/// Create a ticket
///
/// Opens a ticket for the caller. Staff and API keys can create tickets for other people of the tenant or for an email address, and set
/// assignee, team and due date. The address of a person of the tenant makes that person the requester; anyone else's is stored, and no
/// email is sent to it. Customers cannot set these fields.
#[utoipa::path(
    post,
    path = "/tickets",
    responses(
        (status = 201, body = Ticket, description = "The ticket was created.", headers(
            ("Location" = String, description = "The URL of the ticket."),
            ("Idempotent-Replayed" = Option<String>, description = "`true` if this is the stored response to an earlier request with the same key."),
        )),
    )
)]
pub(crate) async fn create_ticket(
    State(app): State<App>,
    caller: Caller<TicketCreate>,
    body: Idempotent<CreateTicket>,
) -> Result<Response> {
    let (mut unit, body, pending) = match body.begin(&app, &caller).await? {
        Attempt::First(unit, body, pending) => (unit, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let new = new_ticket(&mut unit, &caller, body).await?;
    tickets::insert_ticket(&mut unit, &new).await?;
    let ticket = load_ticket(&mut unit, Reach::All, new.id).await?;
    let change = FieldChange {
        field: "created",
        old: json!(null),
        new: json!(ticket.status),
    };
    history::append_history(&mut unit, new.id, &[change], Visibility::Public).await?;
    let event = TicketCreated {
        ticket_id: ticket.id,
        number: ticket.number,
        priority: ticket.priority,
        requester_id: ticket.requester_id,
        assigned_to: ticket.assigned_to,
        author: unit.actor(),
    };
    unit.publish(ticket.version, event).await?;
    let location = format!("/api/v1/tickets/{}", ticket.id);
    pending
        .created(
            unit,
            Created {
                location,
                resource: Ticket::redacted_for(&caller, ticket),
            },
        )
        .await
}

/// Checks the body against the caller's role and the tenant's people and categories.
async fn new_ticket(
    tx: &mut TenantTx,
    caller: &Caller<TicketCreate>,
    body: CreateTicket,
) -> Result<NewTicket> {
    if ticket_role(caller.reach()) == TicketRole::Customer {
        let staff_fields = [
            (
                "requester_id",
                body.requester_id.is_some() && body.requester_id != caller.user,
            ),
            ("requester_email", body.requester_email.is_some()),
            ("assigned_to", body.assigned_to.is_some()),
            ("team", body.team.is_some()),
            ("due_at", body.due_at.is_some()),
        ];
        if let Some((field, _)) = staff_fields.iter().find(|(_, is_set)| *is_set) {
            return Err(STAFF_ONLY_FIELD.problem().argument("field", field));
        }
    }
    if let Some(requester) = body.requester_id
        && Some(requester) != caller.user
        && !tickets::is_person(tx, requester).await?
    {
        return Err(Problem::field("/requester_id", UNKNOWN_PERSON));
    }
    if let Some(assignee) = body.assigned_to
        && !tickets::is_assignable(tx, assignee).await?
    {
        return Err(Problem::field("/assigned_to", NOT_ASSIGNABLE));
    }
    if body.requester_id.is_some() && body.requester_email.is_some() {
        return Err(Problem::field("/requester_email", ONE_REQUESTER));
    }
    let category = body.category.map(web::SingleLine::into_string);
    check_category(caller, category.as_deref())?;
    // Someone with an account sees the ticket and is notified, whichever way the requester was named.
    let known = match &body.requester_email {
        Some(email) => tickets::find_person(tx, email.as_str()).await?,
        None => None,
    };
    // The caller is the default requester, unless it is an API key or platform staff acting in a customer's tenant.
    let default_requester = caller
        .user
        .filter(|_| body.requester_email.is_none() && caller.actor.kind == db::ActorKind::User);
    Ok(NewTicket {
        id: TicketId::at(tx.now()),
        title: body.title.into_string(),
        description: body
            .description
            .map(web::Text::into_string)
            .unwrap_or_default(),
        priority: body.priority.unwrap_or(Priority::Medium),
        category,
        tags: body.tags.as_ref().map(tag_list).unwrap_or_default(),
        channel: if caller.api_key.is_some() {
            Channel::Api
        } else {
            Channel::Portal
        },
        requester_id: body.requester_id.or(known).or(default_requester),
        requester_email: body
            .requester_email
            .filter(|_| known.is_none())
            .map(web::Email::into_string),
        assigned_to: body.assigned_to,
        team: body.team.map(web::SingleLine::into_string),
        due_at: body.due_at,
    })
}

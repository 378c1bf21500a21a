//! Listing tickets.

use access::{
    Caller,
    list::{ListQuery, Listed, Order},
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use ids::UserId;
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};
use web::{
    Page, Problem, SingleLine,
    body::Field,
    problem::{Errors, FieldCode, Pointer, Result},
    query::OneOf,
};

use super::view::Ticket;
use crate::{
    App,
    domain::{status::Status, ticket::Priority},
    permissions::TicketRead,
    store::list::{self, Assignees, Sort, TicketFilter},
};

web::query! {
    /// Filters and order of a list of tickets.
    pub(crate) struct ListTickets {
        /// Only tickets with one of these statuses.
        status: OneOf<Status>,
        /// Only tickets with one of these priorities.
        priority: OneOf<Priority>,
        /// Only tickets of one of these categories.
        category: OneOf<SingleLine<1, 40>>,
        /// Only tickets assigned to one of these people: an identifier, `me` or `none`.
        assigned_to: OneOf<AssignedTo>,
        /// Only tickets of one of these requesters.
        requester: OneOf<UserId>,
        /// Only tickets with one of these tags.
        tag: OneOf<SingleLine<1, 40>>,
        /// Only tickets with one of these identifiers in another system.
        external_id: OneOf<SingleLine<1, 200>>,
        /// Only tickets that were imported from one of these systems.
        source: OneOf<SingleLine<1, 40>>,
        /// Only tickets created at or after this time.
        created_from: Option<DateTime<Utc>>,
        /// Only tickets created before this time.
        created_to: Option<DateTime<Utc>>,
        /// Only tickets last changed at or after this time.
        updated_from: Option<DateTime<Utc>>,
        /// Only tickets last changed before this time.
        updated_to: Option<DateTime<Utc>>,
        /// If `true`, only tickets that are past their due time and neither resolved nor closed.
        overdue: Option<bool>,
        /// Full-text search in title and description, in German and English, or the beginning of a ticket number.
        q: Option<SingleLine<1, 200>>,
        /// The sort order.
        sort: Option<Sort>,
    }
}

#[derive(Clone, Copy, Debug)]
enum AssignedTo {
    Me,
    None,
    Person(UserId),
}

impl Field for AssignedTo {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        match value.as_str() {
            Some("me") => Some(Self::Me),
            Some("none") => Some(Self::None),
            _ => UserId::read(value, at, errors).map(Self::Person),
        }
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(
                "^(me|none|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$",
            ))
            .into()
    }
}

/// An API key is not a person, so `me` has no meaning for it.
const NO_PERSON: FieldCode = FieldCode::Rule(
    "no_person",
    web::Localized {
        de: "kann mit einem API-Schlüssel nicht me sein",
        en: "cannot be me with an API key",
    },
);

/// List tickets
///
/// Returns the tickets that match the filters, newest first unless `sort` says otherwise. Staff see all tickets of the tenant;
/// customers see their own.
#[utoipa::path(get, path = "/tickets", responses((status = 200, body = Page<Ticket>, description = "A page of tickets.")))]
pub(crate) async fn list_tickets(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    query: ListQuery<ListTickets>,
) -> Result<Listed<Ticket>> {
    let (filter, order) = ticket_filter(query.filter.clone(), caller.user)?;
    let reach = caller.reach();
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let now = unit.now();
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (&list::TICKETS, order),
            |sql| list::push_reach(sql, reach),
            |sql| list::push_filter(sql, now, &filter),
        )
        .await?;
    unit.commit().await?;
    Ok(listed.map(|row| Ticket::redacted_for(&caller, row)))
}

fn ticket_filter(query: ListTickets, user: Option<UserId>) -> Result<(TicketFilter, Order)> {
    let texts = |words: OneOf<SingleLine<1, 40>>| {
        let words = words.given()?;
        Some(words.into_iter().map(SingleLine::into_string).collect())
    };
    let mut assignees = Assignees::default();
    let assigned_to = query.assigned_to.given();
    for assigned_to in assigned_to.iter().flatten() {
        match assigned_to {
            AssignedTo::None => assignees.or_none = true,
            AssignedTo::Person(id) => assignees.people.push(*id),
            AssignedTo::Me => {
                let me = user.ok_or_else(|| Problem::field("/assigned_to", NO_PERSON))?;
                assignees.people.push(me);
            }
        }
    }
    let tags = query.tag.given();
    let external = query.external_id.given();
    let filter = TicketFilter {
        status: query.status.given(),
        priority: query.priority.given(),
        category: texts(query.category),
        assigned_to: assigned_to.map(|_| assignees),
        requester: query.requester.given(),
        tags: tags.map(|tags| tags.iter().map(|tag| tag.as_str().to_lowercase()).collect()),
        external_id: external.map(|ids| ids.into_iter().map(SingleLine::into_string).collect()),
        source: texts(query.source),
        created_from: query.created_from,
        created_to: query.created_to,
        updated_from: query.updated_from,
        updated_to: query.updated_to,
        is_overdue: query.overdue == Some(true),
        query: query.q.map(SingleLine::into_string),
    };
    Ok((filter, query.sort.unwrap_or_default().order()))
}

//! Listing tickets.

use access::Caller;
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use web::{
    Limit, Page, Problem, Scope, SingleLine, ValidQuery,
    problem::{FieldCode, Result},
    query::instant,
};

use super::view::Ticket;
use crate::{
    App,
    domain::{status::Status, ticket::Priority},
    permissions::TicketRead,
    store::list::{self, AssigneeFilter, Position, Sort, TicketFilter},
};

/// Filters, order and pagination of a list of tickets.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListTickets {
    /// Only tickets with this status.
    status: Option<Status>,
    /// Only tickets with this priority.
    priority: Option<Priority>,
    /// Only tickets of this category.
    #[param(inline)]
    category: Option<SingleLine<1, 40>>,
    /// Only tickets assigned to this person: an identifier, `me` or `none`.
    #[param(value_type = Option<String>, pattern = "^(me|none|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$")]
    assigned_to: Option<AssignedTo>,
    /// Only tickets of this requester.
    requester: Option<UserId>,
    /// Only tickets with this tag.
    #[param(inline)]
    tag: Option<SingleLine<1, 40>>,
    /// Only tickets created at or after this time.
    #[serde(default, deserialize_with = "instant")]
    created_from: Option<DateTime<Utc>>,
    /// Only tickets created before this time.
    #[serde(default, deserialize_with = "instant")]
    created_to: Option<DateTime<Utc>>,
    /// Only tickets last changed at or after this time, for incremental synchronisation.
    #[serde(default, deserialize_with = "instant")]
    updated_from: Option<DateTime<Utc>>,
    /// Only tickets last changed before this time.
    #[serde(default, deserialize_with = "instant")]
    updated_to: Option<DateTime<Utc>>,
    /// If `true`, only tickets that are past their due time and neither resolved nor closed.
    overdue: Option<bool>,
    /// Full-text search in title and description, in German and English, or the beginning of a ticket number.
    #[param(inline)]
    q: Option<SingleLine<1, 200>>,
    /// The sort order.
    #[param(inline)]
    sort: Option<Sort>,
    /// Maximum number of items per page.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Cursor of the page to return: `next_cursor` of the previous page.
    cursor: Option<String>,
    /// If `true`, include the total number of tickets.
    count: Option<bool>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum AssignedTo {
    Me,
    None,
    Person(UserId),
}

impl<'de> Deserialize<'de> for AssignedTo {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        match word.as_ref() {
            "me" => Ok(Self::Me),
            "none" => Ok(Self::None),
            id => id
                .parse()
                .map(Self::Person)
                .map_err(serde::de::Error::custom),
        }
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
    ValidQuery(mut query): ValidQuery<ListTickets>,
) -> Result<Json<Page<Ticket>>> {
    // Taken out because a cursor is bound to the filters and the order, not to the page size.
    let limit = std::mem::take(&mut query.limit);
    let (cursor, count) = (query.cursor.take(), query.count.take() == Some(true));
    let scope = Scope::new("tickets", caller.tenant.id, &(&query, caller.user));
    let after: Option<Position> = cursor
        .map(|cursor| app.cursors.open(&scope, &cursor))
        .transpose()?;
    let filter = ticket_filter(query, caller.user)?;
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let rows =
        list::list_tickets(&mut unit, caller.reach(), &filter, after.as_ref(), limit).await?;
    let total = if count {
        Some(list::count_tickets(&mut unit, caller.reach(), &filter).await?)
    } else {
        None
    };
    unit.commit().await?;
    let mut page = limit.page(rows, |(_, position)| app.cursors.seal(&scope, position));
    page.total = total;
    Ok(Json(
        page.map(|(ticket, _)| Ticket::redacted_for(&caller, ticket)),
    ))
}

fn ticket_filter(query: ListTickets, user: Option<UserId>) -> Result<TicketFilter> {
    let assigned_to = match query.assigned_to {
        None => None,
        Some(AssignedTo::None) => Some(AssigneeFilter::Unassigned),
        Some(AssignedTo::Person(id)) => Some(AssigneeFilter::AssignedTo(id)),
        Some(AssignedTo::Me) => Some(AssigneeFilter::AssignedTo(
            user.ok_or_else(|| Problem::field("/assigned_to", NO_PERSON))?,
        )),
    };
    Ok(TicketFilter {
        status: query.status,
        priority: query.priority,
        category: query.category.map(SingleLine::into_string),
        assigned_to,
        requester: query.requester,
        tag: query.tag.map(|tag| tag.as_str().to_lowercase()),
        created_from: query.created_from,
        created_to: query.created_to,
        updated_from: query.updated_from,
        updated_to: query.updated_to,
        is_overdue: query.overdue == Some(true),
        query: query.q.map(SingleLine::into_string),
        sort: query.sort.unwrap_or_default(),
    })
}

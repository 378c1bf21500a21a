//! Listing tickets.

use access::Caller;
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use web::{
    Limit, Line, Page, Problem, Scope, ValidQuery,
    problem::{FieldCode, Result},
    query::instant,
};

use super::shown;
use crate::{
    App,
    domain::{
        status::Status,
        ticket::{Priority, Ticket},
    },
    permissions::TicketRead,
    store::list::{self, Assignment, Position, Selection, Sort},
};

/// Which tickets, in which order.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListTickets {
    /// Only with this status.
    status: Option<Status>,
    /// Only with this priority.
    priority: Option<Priority>,
    /// Only of this category.
    #[param(inline)]
    category: Option<Line<1, 40>>,
    /// Only those that this person works on: an identifier, `me` or `none`.
    #[param(value_type = Option<String>, example = "me", pattern = "^(me|none|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$")]
    assigned_to: Option<AssignedTo>,
    /// Only those of this person.
    requester: Option<UserId>,
    /// Only with this label.
    #[param(inline)]
    tag: Option<Line<1, 40>>,
    /// Opened at this time or later.
    #[serde(default, deserialize_with = "instant")]
    created_from: Option<DateTime<Utc>>,
    /// Opened before this time.
    #[serde(default, deserialize_with = "instant")]
    created_to: Option<DateTime<Utc>>,
    /// Changed at this time or later: for scripts that fetch what is new.
    #[serde(default, deserialize_with = "instant")]
    updated_from: Option<DateTime<Utc>>,
    /// Last changed before this time.
    #[serde(default, deserialize_with = "instant")]
    updated_to: Option<DateTime<Utc>>,
    /// `true`: only those whose due time has passed and that are neither resolved nor closed.
    overdue: Option<bool>,
    /// Words in title or description, German or English, or the beginning of a number.
    #[param(inline)]
    q: Option<Line<1, 200>>,
    /// The order.
    #[param(inline)]
    sort: Option<Sort>,
    /// How many a page has.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the page begins: `next_cursor` of the one before.
    cursor: Option<String>,
    /// `true`: say how many there are in all.
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

/// List tickets: all of the tenant for staff, their own for customers.
#[utoipa::path(get, path = "/tickets", responses((status = 200, body = Page<Ticket>, description = "A page of tickets.")))]
pub(crate) async fn list_tickets(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    ValidQuery(mut filter): ValidQuery<ListTickets>,
) -> Result<Json<Page<Ticket>>> {
    // Taken out: a cursor is bound to what is selected, not to how it is paged.
    let limit = std::mem::take(&mut filter.limit);
    let (cursor, count) = (filter.cursor.take(), filter.count.take() == Some(true));
    let scope = Scope::new("tickets", caller.tenant.id, &(&filter, caller.user));
    let after: Option<Position> = cursor
        .map(|cursor| app.cursors.open(&scope, &cursor))
        .transpose()?;
    let selection = selection(filter, caller.user, app.gate.clock().now())?;
    let mut tx = caller.begin(&app.db).await?;
    let rows =
        list::list_tickets(&mut tx, caller.reach(), &selection, after.as_ref(), limit).await?;
    let total = if count {
        Some(list::count_tickets(&mut tx, caller.reach(), &selection).await?)
    } else {
        None
    };
    tx.commit().await?;
    let mut page = limit.page(rows, |(_, position)| app.cursors.seal(&scope, position));
    page.total = total;
    Ok(Json(page.map(|(ticket, _)| shown(&caller, ticket))))
}

fn selection(filter: ListTickets, user: Option<UserId>, now: DateTime<Utc>) -> Result<Selection> {
    let assigned_to = match filter.assigned_to {
        None => None,
        Some(AssignedTo::None) => Some(Assignment::Nobody),
        Some(AssignedTo::Person(id)) => Some(Assignment::To(id)),
        Some(AssignedTo::Me) => Some(Assignment::To(user.ok_or_else(|| {
            let nobody = web::Texts {
                de: "ein Schlüssel ist niemand",
                en: "a key is nobody",
            };
            Problem::field("/assigned_to", FieldCode::Rule("no_person", nobody))
        })?)),
    };
    Ok(Selection {
        status: filter.status,
        priority: filter.priority,
        category: filter.category.map(Line::into_string),
        assigned_to,
        requester: filter.requester,
        tag: filter.tag.map(|tag| tag.as_str().to_lowercase()),
        created_from: filter.created_from,
        created_to: filter.created_to,
        updated_from: filter.updated_from,
        updated_to: filter.updated_to,
        overdue_at: (filter.overdue == Some(true)).then_some(now),
        query: filter.q.map(Line::into_string),
        sort: filter.sort.unwrap_or_default(),
    })
}

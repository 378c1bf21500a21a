//! Lists of tickets: filters, sorts, keyset pages.

use access::Reach;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::UserId;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder, Row};
use web::Limit;

use super::tickets::COLUMNS;
use crate::domain::{
    status::Status,
    ticket::{Priority, Ticket},
};

/// Which tickets, and in which order.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) status: Option<Status>,
    pub(crate) priority: Option<Priority>,
    pub(crate) category: Option<String>,
    pub(crate) assigned_to: Option<Assignment>,
    pub(crate) requester: Option<UserId>,
    pub(crate) tag: Option<String>,
    pub(crate) created_from: Option<DateTime<Utc>>,
    pub(crate) created_to: Option<DateTime<Utc>>,
    pub(crate) updated_from: Option<DateTime<Utc>>,
    pub(crate) updated_to: Option<DateTime<Utc>>,
    pub(crate) overdue_at: Option<DateTime<Utc>>,
    pub(crate) query: Option<String>,
    pub(crate) sort: Sort,
}

/// Who works on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Assignment {
    /// Nobody.
    Nobody,
    /// This person.
    To(UserId),
}

web::text_enum! {
    /// The order of a list; with a minus sign the other way round.
    pub enum Sort {
        /// Newest first.
        CreatedDescending = "-created",
        /// Oldest first.
        Created = "created",
        /// Last changed first.
        UpdatedDescending = "-updated",
        /// Longest unchanged first.
        Updated = "updated",
        /// Most urgent first.
        PriorityDescending = "-priority",
        /// Least urgent first.
        Priority = "priority",
        /// Due soonest first, without a due time last.
        Due = "due",
        /// Without a due time first, due latest next.
        DueDescending = "-due",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro makes the enum")]
impl Default for Sort {
    fn default() -> Self {
        Self::CreatedDescending
    }
}

impl Sort {
    /// The expression, its type, and whether it descends.
    fn parts(self) -> (&'static str, &'static str, bool) {
        match self {
            Self::Created => ("t.created_at", "timestamptz", false),
            Self::CreatedDescending => ("t.created_at", "timestamptz", true),
            Self::Updated => ("t.updated_at", "timestamptz", false),
            Self::UpdatedDescending => ("t.updated_at", "timestamptz", true),
            Self::Priority => (PRIORITY_RANK, "integer", false),
            Self::PriorityDescending => (PRIORITY_RANK, "integer", true),
            Self::Due => (DUE, "timestamptz", false),
            Self::DueDescending => (DUE, "timestamptz", true),
        }
    }
}

const PRIORITY_RANK: &str = "array_position('{low,medium,high,urgent}'::text[], t.priority)";
const DUE: &str = "coalesce(t.due_at, 'infinity'::timestamptz)";

/// Where a page ended: the sort value as PostgreSQL writes it, and the row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) value: String,
    pub(crate) id: ids::TicketId,
}

/// One page of rows (one more than the page has), each with its position.
pub(crate) async fn list_tickets(
    tx: &mut TenantTx,
    reach: Reach,
    selection: &Selection,
    after: Option<&Position>,
    limit: Limit,
) -> Result<Vec<(Ticket, Position)>> {
    let (expression, ty, descending) = selection.sort.parts();
    let mut query = QueryBuilder::new("select ");
    query
        .push(format_args!("({expression})::text as sort_value, "))
        .push(COLUMNS);
    filter(&mut query, tx, reach, selection);
    let (compare, direction) = if descending {
        ("<", "desc")
    } else {
        (">", "asc")
    };
    if let Some(after) = after {
        query.push(format_args!(" and ({expression}, t.ticket_id) {compare} ("));
        query
            .push_bind(after.value.clone())
            .push(format_args!("::{ty}, "))
            .push_bind(after.id)
            .push(")");
    }
    // In the text, not bound: PostgreSQL takes a bound limit for a tenth of the table, and would plan anew each time.
    query.push(format_args!(
        " order by {expression} {direction}, t.ticket_id {direction} limit {}",
        limit.rows()
    ));
    let rows = query.build().fetch_all(tx.conn()).await?;
    rows.iter()
        .map(|row| {
            let ticket = Ticket::from_row(row)?;
            let position = Position {
                value: row.try_get("sort_value")?,
                id: ticket.id,
            };
            Ok((ticket, position))
        })
        .collect()
}

/// How many there are.
pub(crate) async fn count_tickets(
    tx: &mut TenantTx,
    reach: Reach,
    selection: &Selection,
) -> Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from support.tickets t");
    filter(&mut query, tx, reach, selection);
    Ok(query.build_query_scalar().fetch_one(tx.conn()).await?)
}

fn filter(query: &mut QueryBuilder<Postgres>, tx: &TenantTx, reach: Reach, selection: &Selection) {
    query
        .push(" where t.tenant_id = ")
        .push_bind(tx.tenant())
        .push(" and t.deleted_at is null");
    if let Some(owner) = reach.owner() {
        query.push(" and t.requester_id = ").push_bind(owner);
    }
    if let Some(assignee) = reach.assignee() {
        query.push(" and t.assigned_to = ").push_bind(assignee);
    }
    if let Some(status) = selection.status {
        query.push(" and t.status = ").push_bind(status);
    }
    if let Some(priority) = selection.priority {
        query.push(" and t.priority = ").push_bind(priority);
    }
    if let Some(category) = &selection.category {
        query.push(" and t.category = ").push_bind(category.clone());
    }
    match selection.assigned_to {
        Some(Assignment::Nobody) => {
            query.push(" and t.assigned_to is null");
        }
        Some(Assignment::To(user)) => {
            query.push(" and t.assigned_to = ").push_bind(user);
        }
        None => {}
    }
    if let Some(requester) = selection.requester {
        query.push(" and t.requester_id = ").push_bind(requester);
    }
    if let Some(tag) = &selection.tag {
        query
            .push(" and ")
            .push_bind(tag.clone())
            .push(" = any(t.tags)");
    }
    for (compare, time) in [
        (" and t.created_at >= ", selection.created_from),
        (" and t.created_at < ", selection.created_to),
        (" and t.updated_at >= ", selection.updated_from),
        (" and t.updated_at < ", selection.updated_to),
    ] {
        if let Some(time) = time {
            query.push(compare).push_bind(time);
        }
    }
    if let Some(now) = selection.overdue_at {
        query
            .push(" and t.due_at < ")
            .push_bind(now)
            .push(" and t.status not in ('resolved', 'closed')");
    }
    if let Some(text) = &selection.query {
        query
            .push(" and t.ticket_id in (select support.matching_tickets(")
            .push_bind(text.clone())
            .push("))");
    }
}

//! What an update means: the fields that change, with old and new, ready for history and announcements.

use chrono::{DateTime, Utc};
use ids::UserId;
use serde_json::{Value, json};
use web::{Problem, body::Change};

use super::{
    status::{Side, Status},
    ticket::{Priority, Ticket, UpdateTicket, tags},
};
use crate::error::STAFF_ONLY_FIELD;

/// One changed field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldChange {
    pub(crate) field: &'static str,
    pub(crate) old: Value,
    pub(crate) new: Value,
}

/// The columns that an update writes.
#[derive(Clone, Debug)]
pub(crate) struct NewValues {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) assigned_to: Option<UserId>,
    pub(crate) team: Option<String>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) resolved_at: Option<DateTime<Utc>>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
}

/// Applies an update to a ticket: the new values, and what differs.
pub(crate) fn apply(
    ticket: &Ticket,
    update: UpdateTicket,
    side: Side,
    now: DateTime<Utc>,
) -> Result<(NewValues, Vec<FieldChange>), Problem> {
    if side == Side::Customer {
        refuse_staff_fields(&update)?;
    }
    let status = match update.status {
        Change::Keep => ticket.status,
        Change::Set(to) => ticket.status.step(to, side)?,
    };
    let new = NewValues {
        title: update
            .title
            .set()
            .map_or_else(|| ticket.title.clone(), web::Line::into_string),
        description: update
            .description
            .set()
            .map_or_else(|| ticket.description.clone(), web::Text::into_string),
        status,
        priority: update.priority.or(ticket.priority),
        category: match update.category {
            Change::Keep => ticket.category.clone(),
            Change::Set(category) => category.map(web::Line::into_string),
        },
        tags: update.tags.set().map_or_else(|| ticket.tags.clone(), tags),
        assigned_to: update.assigned_to.or(ticket.assigned_to),
        team: match update.team {
            Change::Keep => ticket.team.clone(),
            Change::Set(team) => team.map(web::Line::into_string),
        },
        due_at: update.due_at.or(ticket.due_at),
        resolved_at: resolved_at(ticket, status, now),
        closed_at: if status == Status::Closed {
            ticket.closed_at.or(Some(now))
        } else {
            None
        },
    };
    let changes = differences(ticket, &new);
    Ok((new, changes))
}

/// A status change alone, as a customer's reply makes it.
pub(crate) fn moved(
    ticket: &Ticket,
    status: Status,
    now: DateTime<Utc>,
) -> (NewValues, Vec<FieldChange>) {
    let new = NewValues {
        title: ticket.title.clone(),
        description: ticket.description.clone(),
        status,
        priority: ticket.priority,
        category: ticket.category.clone(),
        tags: ticket.tags.clone(),
        assigned_to: ticket.assigned_to,
        team: ticket.team.clone(),
        due_at: ticket.due_at,
        resolved_at: resolved_at(ticket, status, now),
        closed_at: ticket.closed_at,
    };
    let changes = differences(ticket, &new);
    (new, changes)
}

fn resolved_at(ticket: &Ticket, status: Status, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match status {
        Status::Resolved => ticket.resolved_at.or(Some(now)),
        Status::Closed => ticket.resolved_at,
        _ => None,
    }
}

fn refuse_staff_fields(update: &UpdateTicket) -> Result<(), Problem> {
    let named = [
        ("priority", update.priority.as_set().is_some()),
        ("tags", update.tags.as_set().is_some()),
        ("assigned_to", update.assigned_to.as_set().is_some()),
        ("team", update.team.as_set().is_some()),
        ("due_at", update.due_at.as_set().is_some()),
    ];
    match named.iter().find(|(_, set)| *set) {
        Some((field, _)) => Err(STAFF_ONLY_FIELD.problem().argument("field", field)),
        None => Ok(()),
    }
}

fn differences(old: &Ticket, new: &NewValues) -> Vec<FieldChange> {
    [
        ("title", json!(old.title), json!(new.title)),
        (
            "description",
            json!(old.description),
            json!(new.description),
        ),
        ("status", json!(old.status), json!(new.status)),
        ("priority", json!(old.priority), json!(new.priority)),
        ("category", json!(old.category), json!(new.category)),
        ("tags", json!(old.tags), json!(new.tags)),
        (
            "assigned_to",
            json!(old.assigned_to),
            json!(new.assigned_to),
        ),
        ("team", json!(old.team), json!(new.team)),
        ("due_at", json!(old.due_at), json!(new.due_at)),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .map(|(field, old, new)| FieldChange { field, old, new })
    .collect()
}

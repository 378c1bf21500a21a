//! Request bodies of tickets.

use chrono::{DateTime, Utc};
use ids::UserId;
use web::{
    Email, SingleLine, Text,
    body::{BoundedVec, Change},
};

use crate::domain::{
    status::Status,
    ticket::{Priority, normalize_tags},
    update::TicketUpdate,
};

/// A short label.
pub(crate) type Tag = SingleLine<1, 40>;

web::body! {
    /// A new ticket.
    pub struct CreateTicket {
        /// A short summary in one line.
        pub title: SingleLine<1, 255>,
        /// The full description.
        pub description: Option<Text<0, 20_000>>,
        /// The priority; defaults to `medium`.
        pub priority: Option<Priority>,
        /// One of the tenant's categories.
        pub category: Option<SingleLine<1, 40>>,
        /// Tags; stored in lower case.
        pub tags: Option<BoundedVec<Tag, 20>>,
        /// The requester; defaults to the caller. Only staff and API keys can create tickets for others.
        pub requester_id: Option<UserId>,
        /// The email address of a requester who is not a person of the tenant; staff only.
        pub requester_email: Option<Email>,
        /// When the ticket is due; staff only.
        pub due_at: Option<DateTime<Utc>>,
        /// The assignee; staff only.
        pub assigned_to: Option<UserId>,
        /// The team that works on the ticket; staff only.
        pub team: Option<SingleLine<1, 80>>,
    }
    example { "title": "Heating in meeting room 3", "description": "It stays cold since Monday.", "priority": "medium", "category": "request", "tags": ["heating"] }
}

web::body! {
    /// Changes to a ticket. Omitted fields keep their value.
    pub struct UpdateTicket {
        /// A short summary in one line.
        pub title: Change<SingleLine<1, 255>>,
        /// The full description.
        pub description: Change<Text<0, 20_000>>,
        /// The new status. If the transition is not allowed, the problem lists those that are.
        pub status: Change<Status>,
        /// The priority; staff only.
        pub priority: Change<Priority>,
        /// One of the tenant's categories, or null.
        pub category: Change<Option<SingleLine<1, 40>>>,
        /// Tags, stored in lower case; staff only.
        pub tags: Change<BoundedVec<Tag, 20>>,
        /// The assignee, or null; staff only.
        pub assigned_to: Change<Option<UserId>>,
        /// The team that works on the ticket, or null; staff only.
        pub team: Change<Option<SingleLine<1, 80>>>,
        /// When the ticket is due, or null; staff only.
        pub due_at: Change<Option<DateTime<Utc>>>,
    }
    example { "status": "in_progress", "priority": "high" }
}

impl From<UpdateTicket> for TicketUpdate {
    fn from(body: UpdateTicket) -> Self {
        Self {
            title: map(body.title, SingleLine::into_string),
            description: map(body.description, Text::into_string),
            status: body.status,
            priority: body.priority,
            category: map(body.category, |category| {
                category.map(SingleLine::into_string)
            }),
            tags: map(body.tags, |tags| tag_list(&tags)),
            assigned_to: body.assigned_to,
            team: map(body.team, |team| team.map(SingleLine::into_string)),
            due_at: body.due_at,
        }
    }
}

/// The tags of a body, normalized.
pub(super) fn tag_list(tags: &BoundedVec<Tag, 20>) -> Vec<String> {
    normalize_tags(tags.0.iter().map(SingleLine::as_str))
}

fn map<T, U>(change: Change<T>, convert: impl FnOnce(T) -> U) -> Change<U> {
    match change {
        Change::Keep => Change::Keep,
        Change::Set(value) => Change::Set(convert(value)),
    }
}

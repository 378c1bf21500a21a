//! The rows that an imported ticket becomes, with the history that can be derived from it.

use std::collections::HashMap;

use crate::ids::{TicketCommentId, TicketHistoryId};
use chrono::{DateTime, Utc};
use db::Actor;
use ids::TicketId;
use serde_json::{Value, json};
use web::{
    Email, Localized, SingleLine, Text,
    problem::{FieldCode, FieldError},
};

use super::body::{ImportComment, ImportTicket};
use crate::{
    domain::{
        comment::Visibility,
        import::{ImportedTimes, TimeError},
        status::Status,
        ticket::{Channel, Priority},
    },
    http::tickets::body::tag_list,
    store::import::{
        ImportedCommentRow as CommentRow, ImportedHistoryRow as HistoryRow,
        ImportedTicketRow as TicketRow, Person,
    },
};

/// What the rows of a file are checked against.
#[derive(Debug)]
pub(super) struct ImportContext<'a> {
    pub(super) people: &'a HashMap<String, Person>,
    pub(super) categories: &'a [&'a str],
    pub(super) source: &'a str,
    /// The importing actor.
    pub(super) actor: Actor,
    pub(super) now: DateTime<Utc>,
}

/// A ticket with all its rows.
#[derive(Clone, Debug)]
pub(super) struct ImportedTicket {
    pub(super) ticket: TicketRow,
    pub(super) comments: Vec<CommentRow>,
    pub(super) history: Vec<HistoryRow>,
}

/// Number of comments whose timestamps are checked, which bounds the errors of one row.
const MAX_CHECKED_COMMENTS: usize = 500;

impl ImportContext<'_> {
    /// The rows of a ticket, or every error in it.
    pub(super) fn plan_ticket(&self, row: ImportTicket) -> Result<ImportedTicket, Vec<FieldError>> {
        let status = row.status.unwrap_or(Status::Open);
        let times = ImportedTimes {
            created: row.created_at.unwrap_or(self.now),
            first_responded: row.first_responded_at,
            resolved: row.resolved_at,
            closed: row.closed_at,
        };
        let errors = self.errors(&row, status, &times);
        if !errors.is_empty() {
            return Err(errors);
        }
        let ticket_id = TicketId::at(self.now);
        let requester = self.person(row.requester_email.as_ref());
        let external_requester = row.requester_email.as_ref().filter(|_| requester.is_none());
        let created_by = self.author(row.requester_email.as_ref());
        let comments: Vec<CommentRow> = row
            .comments
            .map(|comments| comments.0)
            .unwrap_or_default()
            .into_iter()
            .map(|comment| self.comment(ticket_id, comment))
            .collect();
        let updated_at = comments
            .iter()
            .map(|comment| comment.created_at)
            .fold(times.latest(), DateTime::max);
        let ticket = TicketRow {
            ticket_id,
            number: row.number.map(|number| number.0),
            title: row.title.into_string(),
            description: row.description.map(Text::into_string).unwrap_or_default(),
            status,
            priority: row.priority.unwrap_or(Priority::Medium),
            category: row.category.map(SingleLine::into_string),
            tags: row.tags.as_ref().map(tag_list).unwrap_or_default(),
            channel: row.channel.unwrap_or(Channel::Api),
            created_by_kind: created_by.kind,
            created_by_id: created_by.id,
            requester_id: requester.map(|person| person.id),
            requester_email: external_requester.map(|email| email.as_str().to_owned()),
            assigned_to: self
                .person(row.assignee_email.as_ref())
                .map(|person| person.id),
            team: row.team.map(SingleLine::into_string),
            due_at: row.due_at,
            first_responded_at: times.first_responded,
            resolved_at: times.resolved,
            closed_at: times.closed,
            external_id: row.external_id.into_string(),
            created_at: times.created,
            updated_at,
        };
        let history = self.history(&ticket);
        Ok(ImportedTicket {
            ticket,
            comments,
            history,
        })
    }

    fn errors(&self, row: &ImportTicket, status: Status, times: &ImportedTimes) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: String, code| errors.push(FieldError { pointer, code });
        if let Some(category) = &row.category
            && !self.categories.contains(&category.as_str())
        {
            let known = self.categories.join(", ");
            refuse("/category".to_owned(), FieldCode::NotOneOf(known));
        }
        if row.assignee_email.is_some()
            && !self
                .person(row.assignee_email.as_ref())
                .is_some_and(|person| person.staff)
        {
            refuse("/assignee_email".to_owned(), NOT_STAFF);
        }
        for (field, error) in times.errors(status, self.now) {
            refuse(format!("/{field}"), time_error_code(error));
        }
        let comments = row.comments.iter().flat_map(|comments| &comments.0);
        for (index, comment) in comments.enumerate().take(MAX_CHECKED_COMMENTS) {
            if let Some(error) = times.check(comment.created_at, self.now) {
                let pointer = format!("/comments/{index}/created_at");
                refuse(pointer, time_error_code(error));
            }
        }
        errors
    }

    fn person(&self, email: Option<&Email>) -> Option<&Person> {
        self.people.get(email?.as_str())
    }

    fn author(&self, email: Option<&Email>) -> Actor {
        match self.person(email) {
            Some(person) => Actor::user(person.id),
            None => Actor::EXTERNAL,
        }
    }

    fn comment(&self, ticket_id: TicketId, comment: ImportComment) -> CommentRow {
        let author = self.author(comment.author_email.as_ref());
        CommentRow {
            ticket_comment_id: TicketCommentId::at(self.now),
            ticket_id,
            author_kind: author.kind,
            author_id: author.id,
            content: comment.content.into_string(),
            visibility: comment.visibility.unwrap_or(Visibility::Public),
            created_at: comment.created_at,
        }
    }

    /// Entries for creation, resolution and closing as far as their times are known, and one for the import itself.
    fn history(&self, ticket: &TicketRow) -> Vec<HistoryRow> {
        let created_by = Actor {
            kind: ticket.created_by_kind,
            id: ticket.created_by_id,
        };
        let entry = |field, change: (Value, Value), actor: Actor, occurred_at| HistoryRow {
            ticket_history_id: TicketHistoryId::at(self.now),
            ticket_id: ticket.ticket_id,
            field,
            old_value: change.0,
            new_value: change.1,
            visibility: Visibility::Public,
            actor_kind: actor.kind,
            actor_id: actor.id,
            occurred_at,
            position: 0,
        };
        let created = (Value::Null, json!(Status::Open));
        let mut rows = vec![entry("created", created, created_by, ticket.created_at)];
        let mut previous = Status::Open;
        for (status, time) in [
            (Status::Resolved, ticket.resolved_at),
            (Status::Closed, ticket.closed_at),
        ] {
            if let Some(time) = time {
                rows.push(entry(
                    "status",
                    (json!(previous), json!(status)),
                    Actor::EXTERNAL,
                    time,
                ));
                previous = status;
            }
        }
        let origin = json!({"source": self.source, "external_id": ticket.external_id});
        rows.push(HistoryRow {
            visibility: Visibility::Internal,
            ..entry("imported", (Value::Null, origin), self.actor, self.now)
        });
        for (position, row) in (0..).zip(&mut rows) {
            row.position = position;
        }
        rows
    }
}

fn time_error_code(error: TimeError) -> FieldCode {
    match error {
        TimeError::Missing => FieldCode::Required,
        TimeError::OtherStatus => OTHER_STATUS,
        TimeError::TooEarly => TOO_EARLY,
        TimeError::InFuture => IN_THE_FUTURE,
    }
}

const NOT_STAFF: FieldCode = FieldCode::Rule(
    "not_staff",
    Localized {
        de: "muss zu einer Mitarbeiterin oder einem Mitarbeiter dieser Organisation gehören",
        en: "must belong to a staff member of this organisation",
    },
);
const IN_THE_FUTURE: FieldCode = FieldCode::Rule(
    "in_the_future",
    Localized {
        de: "liegt in der Zukunft",
        en: "is in the future",
    },
);
const TOO_EARLY: FieldCode = FieldCode::Rule(
    "too_early",
    Localized {
        de: "liegt vor einem Zeitpunkt, der früher sein muss",
        en: "is before a time that must come first",
    },
);
const OTHER_STATUS: FieldCode = FieldCode::Rule(
    "other_status",
    Localized {
        de: "passt nicht zum angegebenen Status",
        en: "does not match the status",
    },
);

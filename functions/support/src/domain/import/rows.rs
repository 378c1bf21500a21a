//! What becomes of an imported ticket: the rows that it is here, with the history that can be told of it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::{Actor, ActorKind};
use ids::{TicketCommentId, TicketHistoryId, TicketId, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;
use web::{
    Email, Line, Text, Texts,
    problem::{FieldCode, FieldError},
};

use super::{ImportComment, ImportTicket};
use crate::domain::{
    comment::Visibility,
    status::Status,
    ticket::{Channel, Priority, tags},
};

/// A person of the tenant, by mail address.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    /// Whether tickets can have been given to them.
    pub(crate) staff: bool,
}

/// What rows are read against.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) people: &'a HashMap<String, Person>,
    pub(crate) categories: &'a [String],
    pub(crate) source: &'a str,
    /// Who imports.
    pub(crate) actor: Actor,
    pub(crate) now: DateTime<Utc>,
}

/// A row of `support.tickets`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TicketRow {
    pub(crate) ticket_id: TicketId,
    /// Given at the end to those that keep none.
    pub(crate) number: Option<i32>,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) channel: Channel,
    pub(crate) created_by_kind: ActorKind,
    pub(crate) created_by_id: Option<Uuid>,
    pub(crate) requester_id: Option<UserId>,
    pub(crate) requester_email: Option<String>,
    pub(crate) assigned_to: Option<UserId>,
    pub(crate) team: Option<String>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) first_responded_at: Option<DateTime<Utc>>,
    pub(crate) resolved_at: Option<DateTime<Utc>>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) external_id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// A row of `support.ticket_comments`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CommentRow {
    ticket_comment_id: TicketCommentId,
    ticket_id: TicketId,
    author_kind: ActorKind,
    author_id: Option<Uuid>,
    content: String,
    visibility: Visibility,
    created_at: DateTime<Utc>,
}

/// A row of `support.ticket_history`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryRow {
    ticket_history_id: TicketHistoryId,
    ticket_id: TicketId,
    field: &'static str,
    old_value: Value,
    new_value: Value,
    visibility: Visibility,
    actor_kind: ActorKind,
    actor_id: Option<Uuid>,
    occurred_at: DateTime<Utc>,
    position: i16,
}

/// A ticket with all its rows.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    pub(crate) ticket: TicketRow,
    pub(crate) comments: Vec<CommentRow>,
    pub(crate) history: Vec<HistoryRow>,
}

impl ImportTicket {
    /// The rows, or everything that is wrong.
    pub(crate) fn rows(self, place: &Place<'_>) -> Result<Imported, Vec<FieldError>> {
        let status = self.status.unwrap_or(Status::Open);
        let created_at = self.created_at.unwrap_or(place.now);
        let errors = self.wrong(place, status, created_at);
        if !errors.is_empty() {
            return Err(errors);
        }
        let ticket_id = TicketId::at(place.now);
        let requester = place.person(self.requester_email.as_ref());
        let outside = self
            .requester_email
            .as_ref()
            .filter(|_| requester.is_none());
        let opened_by = place.author(self.requester_email.as_ref());
        let comments: Vec<CommentRow> = self
            .comments
            .map(|comments| comments.0)
            .unwrap_or_default()
            .into_iter()
            .map(|comment| place.comment(ticket_id, comment))
            .collect();
        let moments = [self.first_responded_at, self.resolved_at, self.closed_at];
        let updated_at = moments
            .into_iter()
            .flatten()
            .chain(comments.iter().map(|comment| comment.created_at))
            .fold(created_at, DateTime::max);
        let ticket = TicketRow {
            ticket_id,
            number: self.number.map(|number| number.0),
            title: self.title.into_string(),
            description: self.description.map(Text::into_string).unwrap_or_default(),
            status,
            priority: self.priority.unwrap_or(Priority::Medium),
            category: self.category.map(Line::into_string),
            tags: self.tags.map(tags).unwrap_or_default(),
            channel: self.channel.unwrap_or(Channel::Api),
            created_by_kind: opened_by.kind,
            created_by_id: opened_by.id,
            requester_id: requester.map(|person| person.id),
            requester_email: outside.map(|email| email.as_str().to_owned()),
            assigned_to: place
                .person(self.assignee_email.as_ref())
                .map(|person| person.id),
            team: self.team.map(Line::into_string),
            due_at: self.due_at,
            first_responded_at: self.first_responded_at,
            resolved_at: self.resolved_at,
            closed_at: self.closed_at,
            external_id: self.external_id.into_string(),
            created_at,
            updated_at,
        };
        let history = told(&ticket, place);
        Ok(Imported {
            ticket,
            comments,
            history,
        })
    }

    fn wrong(
        &self,
        place: &Place<'_>,
        status: Status,
        created_at: DateTime<Utc>,
    ) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: String, code| errors.push(FieldError { pointer, code });
        if let Some(category) = &self.category
            && !place
                .categories
                .iter()
                .any(|known| known == category.as_str())
        {
            let known = place.categories.join(", ");
            refuse("/category".to_owned(), FieldCode::NotOneOf(known));
        }
        if self.assignee_email.is_some()
            && !place
                .person(self.assignee_email.as_ref())
                .is_some_and(|person| person.staff)
        {
            refuse("/assignee_email".to_owned(), NOT_STAFF);
        }
        if created_at > place.now {
            refuse("/created_at".to_owned(), FUTURE);
        }
        let (is_resolved, is_closed) = (status == Status::Resolved, status == Status::Closed);
        let moments = [
            ("/first_responded_at", self.first_responded_at, false, true),
            (
                "/resolved_at",
                self.resolved_at,
                is_resolved,
                is_resolved || is_closed,
            ),
            ("/closed_at", self.closed_at, is_closed, is_closed),
        ];
        for (pointer, moment, needed, possible) in moments {
            let code = match moment {
                None if needed => FieldCode::Required,
                Some(_) if !possible => OTHER_STATUS,
                Some(moment) if moment < created_at => TOO_EARLY,
                Some(moment) if moment > place.now => FUTURE,
                _ => continue,
            };
            refuse(pointer.to_owned(), code);
        }
        if let (Some(resolved), Some(closed)) = (self.resolved_at, self.closed_at)
            && closed < resolved
        {
            refuse("/closed_at".to_owned(), TOO_EARLY);
        }
        let comments = self.comments.iter().flat_map(|comments| &comments.0);
        for (index, comment) in comments.enumerate().take(MOST_COMMENT_ERRORS) {
            let pointer = || format!("/comments/{index}/created_at");
            if comment.created_at < created_at {
                refuse(pointer(), TOO_EARLY);
            } else if comment.created_at > place.now {
                refuse(pointer(), FUTURE);
            }
        }
        errors
    }
}

impl Place<'_> {
    fn person(&self, email: Option<&Email>) -> Option<&Person> {
        self.people.get(email?.as_str())
    }

    fn author(&self, email: Option<&Email>) -> Actor {
        match self.person(email) {
            Some(person) => Actor::user(person.id),
            None => Actor {
                kind: ActorKind::External,
                id: None,
            },
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
}

/// Opened, perhaps resolved and closed: as far as the times say it; and that it was imported, by whom and from where.
fn told(ticket: &TicketRow, place: &Place<'_>) -> Vec<HistoryRow> {
    let nobody = Actor {
        kind: ActorKind::External,
        id: None,
    };
    let opened_by = Actor {
        kind: ticket.created_by_kind,
        id: ticket.created_by_id,
    };
    let entry = |field, change: (Value, Value), actor: Actor, occurred_at| HistoryRow {
        ticket_history_id: TicketHistoryId::at(place.now),
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
    let opened = (Value::Null, json!(Status::Open));
    let mut rows = vec![entry("created", opened, opened_by, ticket.created_at)];
    let mut before = Status::Open;
    for (status, moment) in [
        (Status::Resolved, ticket.resolved_at),
        (Status::Closed, ticket.closed_at),
    ] {
        if let Some(moment) = moment {
            rows.push(entry(
                "status",
                (json!(before), json!(status)),
                nobody,
                moment,
            ));
            before = status;
        }
    }
    let from = json!({"source": place.source, "external_id": ticket.external_id});
    rows.push(HistoryRow {
        visibility: Visibility::Internal,
        ..entry("imported", (Value::Null, from), place.actor, place.now)
    });
    for (position, row) in (0..).zip(&mut rows) {
        row.position = position;
    }
    rows
}

/// Remarks that are looked at for wrong times: more than a file has by accident.
const MOST_COMMENT_ERRORS: usize = 500;

const NOT_STAFF: FieldCode = FieldCode::Rule(
    "not_staff",
    Texts {
        de: "ist niemand, der oder die hier Tickets bearbeitet",
        en: "is nobody who works on tickets here",
    },
);
const FUTURE: FieldCode = FieldCode::Rule(
    "in_the_future",
    Texts {
        de: "liegt in der Zukunft",
        en: "is in the future",
    },
);
const TOO_EARLY: FieldCode = FieldCode::Rule(
    "too_early",
    Texts {
        de: "liegt vor dem, was vorher geschehen sein muss",
        en: "is before what must have happened before",
    },
);
const OTHER_STATUS: FieldCode = FieldCode::Rule(
    "other_status",
    Texts {
        de: "passt nicht zu diesem Status",
        en: "does not fit this status",
    },
);

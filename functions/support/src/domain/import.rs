//! Tickets of another system: what a row can say. What becomes of it is decided in [`rows`].

pub(crate) mod rows;

use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};
use web::{
    Email, Line, Text, Texts,
    body::{Field, Items},
    problem::{Errors, FieldCode, Pointer},
};

use super::{
    comment::Visibility,
    status::Status,
    ticket::{Channel, Priority, Tag},
};

/// Far above what anybody has, and far below where the column ends: new tickets get numbers above the highest.
const HIGHEST_NUMBER: i32 = 100_000_000;

/// A number that a ticket had before: `1042` or `T-1042`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GivenNumber(pub(crate) i32);

impl Field for GivenNumber {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let text = match &value {
            Value::String(text) => text.trim().trim_start_matches("T-").to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return errors.refuse(at, FieldCode::WrongType("string")),
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (1..=HIGHEST_NUMBER).contains(&number) => Some(Self(number)),
            _ if digits => errors.refuse(at, FieldCode::OutOfRange(1, HIGHEST_NUMBER.into())),
            _ => errors.refuse(
                at,
                FieldCode::InvalidFormat(Texts {
                    de: "muss eine Nummer wie 1042 oder T-1042 sein",
                    en: "must be a number such as 1042 or T-1042",
                }),
            ),
        }
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^(T-)?[0-9]{1,9}$"))
            .into()
    }
}

web::body! {
    /// A remark that stood on the ticket.
    pub struct ImportComment {
        /// Who wrote it: somebody of the organisation, else somebody outside.
        pub author_email: Option<Email>,
        /// What it says.
        pub content: Text<1, 20_000>,
        /// Who sees it; `public` when not said.
        pub visibility: Option<Visibility>,
        /// When it was written.
        pub created_at: DateTime<Utc>,
    }
    example { "author_email": "ole@example.org", "content": "A technician comes tomorrow at nine.", "created_at": "2024-03-01T11:00:00Z" }
}

web::body! {
    /// A ticket of another system. Its identifier there tells whether it is here already.
    pub struct ImportTicket {
        /// What it is called there; with `source` it names one ticket.
        pub external_id: Line<1, 200>,
        /// The number to keep, such as `T-1042`; without it the next one is given.
        pub number: Option<GivenNumber>,
        /// What it is about, in one line.
        pub title: Line<1, 255>,
        /// The whole story.
        pub description: Option<Text<0, 20_000>>,
        /// Where it stands; `open` when not said.
        pub status: Option<Status>,
        /// How soon it matters; `medium` when not said.
        pub priority: Option<Priority>,
        /// One of the tenant's categories.
        pub category: Option<Line<1, 40>>,
        /// Free labels.
        pub tags: Option<Items<Tag, 20>>,
        /// How it came in; `api` when not said.
        pub channel: Option<Channel>,
        /// Whose it is: somebody of the organisation, else somebody outside.
        pub requester_email: Option<Email>,
        /// Who works on it, or did: staff of the organisation, also who has left.
        pub assignee_email: Option<Email>,
        /// Which team works on it.
        pub team: Option<Line<1, 80>>,
        /// When it was opened; now when not said.
        pub created_at: Option<DateTime<Utc>>,
        /// When it should be done.
        pub due_at: Option<DateTime<Utc>>,
        /// When staff first answered.
        pub first_responded_at: Option<DateTime<Utc>>,
        /// When it was resolved; needed for one that is.
        pub resolved_at: Option<DateTime<Utc>>,
        /// When it was closed; needed for one that is.
        pub closed_at: Option<DateTime<Utc>>,
        /// Its remarks; not in CSV.
        pub comments: Option<Items<ImportComment, 500>>,
    }
    example {
        "external_id": "4711", "title": "Heating in meeting room 3", "status": "closed", "priority": "high", "tags": ["heating"],
        "requester_email": "maria@example.org", "assignee_email": "ole@example.org", "created_at": "2024-03-01T10:00:00Z",
        "resolved_at": "2024-03-02T09:30:00Z", "closed_at": "2024-03-09T10:00:00Z",
        "comments": [{"author_email": "ole@example.org", "content": "A technician comes tomorrow at nine.", "created_at": "2024-03-01T11:00:00Z"}]
    }
}

impl ImportTicket {
    /// Every address that it names.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Email> {
        let authors = self.comments.iter().flat_map(|comments| &comments.0);
        [&self.requester_email, &self.assignee_email]
            .into_iter()
            .chain(authors.map(|comment| &comment.author_email))
            .flatten()
    }
}

//! Request bodies of a ticket import.

use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};
use web::{
    Email, Localized, SingleLine, Text,
    body::{BoundedVec, Field},
    problem::{Errors, FieldCode, Pointer},
};

use crate::{
    domain::{
        comment::Visibility,
        status::Status,
        ticket::{Channel, Priority},
    },
    http::tickets::body::Tag,
};

/// The highest number that can be imported. It leaves room in the column, because new tickets get numbers above it.
const MAX_NUMBER: i32 = 100_000_000;

/// A ticket number: `1042` or `T-1042`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImportedNumber(pub(crate) i32);

impl Field for ImportedNumber {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let text = match &value {
            Value::String(text) => text.trim().trim_start_matches("T-").to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return errors.refuse(at, FieldCode::WrongType("string")),
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (1..=MAX_NUMBER).contains(&number) => Some(Self(number)),
            _ if digits => errors.refuse(at, FieldCode::OutOfRange(1, MAX_NUMBER.into())),
            _ => errors.refuse(
                at,
                FieldCode::InvalidFormat(Localized {
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
    /// A comment of an imported ticket.
    pub struct ImportComment {
        /// The author's email address; without a matching person of the organisation, the author is external.
        pub author_email: Option<Email>,
        /// The text of the comment.
        pub content: Text<1, 20_000>,
        /// Who can see the comment; defaults to `public`.
        pub visibility: Option<Visibility>,
        /// When the comment was written.
        pub created_at: DateTime<Utc>,
    }
    example { "author_email": "ole@example.org", "content": "A technician comes tomorrow at nine.", "created_at": "2024-03-01T11:00:00Z" }
}

web::body! {
    /// A ticket from another system, identified by `source` and `external_id`.
    pub struct ImportTicket {
        /// The ticket's identifier in the other system, unique within `source`.
        pub external_id: SingleLine<1, 200>,
        /// The ticket number to keep, such as `T-1042`. By default the next number is assigned.
        pub number: Option<ImportedNumber>,
        /// A short summary in one line.
        pub title: SingleLine<1, 255>,
        /// The full description.
        pub description: Option<Text<0, 20_000>>,
        /// The status; defaults to `open`.
        pub status: Option<Status>,
        /// The priority; defaults to `medium`.
        pub priority: Option<Priority>,
        /// One of the tenant's categories.
        pub category: Option<SingleLine<1, 40>>,
        /// Tags; stored in lower case.
        pub tags: Option<BoundedVec<Tag, 20>>,
        /// The channel through which the ticket was created; defaults to `api`.
        pub channel: Option<Channel>,
        /// The requester's email address; without a matching person of the organisation, the requester is external.
        pub requester_email: Option<Email>,
        /// The assignee's email address. Must belong to current or former staff of the organisation.
        pub assignee_email: Option<Email>,
        /// The team that works on the ticket.
        pub team: Option<SingleLine<1, 80>>,
        /// When the ticket was created; defaults to now.
        pub created_at: Option<DateTime<Utc>>,
        /// When the ticket is due.
        pub due_at: Option<DateTime<Utc>>,
        /// When staff first responded.
        pub first_responded_at: Option<DateTime<Utc>>,
        /// When the ticket was resolved. Required if `status` is `resolved`.
        pub resolved_at: Option<DateTime<Utc>>,
        /// When the ticket was closed. Required if `status` is `closed`.
        pub closed_at: Option<DateTime<Utc>>,
        /// The comments; not available in CSV.
        pub comments: Option<BoundedVec<ImportComment, 500>>,
    }
    example {
        "external_id": "4711", "title": "Heating in meeting room 3", "status": "closed", "priority": "high", "tags": ["heating"],
        "requester_email": "maria@example.org", "assignee_email": "ole@example.org", "created_at": "2024-03-01T10:00:00Z",
        "resolved_at": "2024-03-02T09:30:00Z", "closed_at": "2024-03-09T10:00:00Z",
        "comments": [{"author_email": "ole@example.org", "content": "A technician comes tomorrow at nine.", "created_at": "2024-03-01T11:00:00Z"}]
    }
}

impl ImportTicket {
    /// All email addresses in the row.
    pub(crate) fn emails(&self) -> impl Iterator<Item = &Email> {
        let authors = self.comments.iter().flat_map(|comments| &comments.0);
        [&self.requester_email, &self.assignee_email]
            .into_iter()
            .chain(authors.map(|comment| &comment.author_email))
            .flatten()
    }
}

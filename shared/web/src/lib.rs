//! Transport, and nothing else: what every endpoint of every context does alike.
//!
//! A handler takes its input as types that are already right ([`ValidJson`], [`ValidQuery`], [`PathIds`]),
//! answers with a resource or a [`Problem`], and is described in OpenAPI from its own signature
//! ([`openapi::Routes`]). Who the caller is belongs to the crate `access`.

pub mod body;
pub mod clock;
pub mod csv;
pub mod cursor;
pub mod edge;
pub mod etag;
pub mod fields;
pub mod health;
pub mod import;
pub mod incoming;
pub mod json;
pub mod lambda;
pub mod language;
pub mod openapi;
pub mod path;
pub mod problem;
pub mod query;
pub mod quota;
pub mod reply;
pub mod request;
pub mod server;
pub mod service;
pub mod settings;
pub mod telemetry;
mod text_enum;

pub use clock::Clock;
pub use cursor::{Cursors, Limit, Page, Scope};
pub use etag::IfMatch;
pub use fields::{Email, HttpUrl, SingleLine, Slug, Text, TimeZone};
pub use incoming::Incoming;
pub use json::ValidJson;
pub use language::{Language, Localized};
pub use path::PathIds;
pub use problem::{Problem, ProblemKind};
pub use query::ValidQuery;
pub use quota::Quota;
pub use reply::{Accepted, Created, Fetched};
pub use request::RequestInfo;
pub use service::Service;

/// What macros of this crate need from others; not for hands.
#[doc(hidden)]
pub mod __private {
    pub use pastey::paste;
    pub use serde;
    pub use serde_json;
    pub use sqlx;
    pub use utoipa;
}

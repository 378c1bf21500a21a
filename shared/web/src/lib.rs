//! HTTP transport shared by all contexts.
//!
//! A handler takes validated input ([`ValidJson`], [`ValidQuery`], [`PathIds`]), returns a resource or a [`Problem`], and is
//! described in OpenAPI from its signature ([`openapi::Routes`]). Authentication belongs to the crate `access`.

pub mod body;
pub mod clock;
pub mod console;
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
mod strict_json;
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

/// Re-exports for the macros of this crate; not a public API.
#[doc(hidden)]
pub mod __private {
    pub use pastey::paste;
    pub use serde;
    pub use serde_json;
    pub use sqlx;
    pub use utoipa;
}

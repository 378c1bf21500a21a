//! Versions as entity tags: `ETag`, `If-Match`, `If-None-Match` (RFC 9110, 13).

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderValue, header, request::Parts};

use crate::problem::{self, Problem};

/// The `If-Match` precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// No precondition: the last write wins.
    Anything,
    /// One of these tags, quotes included.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Fails with 412 if the client's version differs from `version`.
    pub fn check(&self, version: i32) -> Result<(), Problem> {
        match self {
            Self::Anything => Ok(()),
            Self::OneOf(tags) if tags.iter().any(|tag| *tag == tag_text(version)) => Ok(()),
            Self::OneOf(_) => Err(problem::PRECONDITION_FAILED
                .problem()
                .argument("version", version)
                .member("current_version", version)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(header::IF_MATCH) {
            let value = value.to_str().map_err(|_| {
                problem::INVALID_HEADER
                    .problem()
                    .argument("header", "If-Match")
            })?;
            tags.extend(value.split(',').map(|tag| tag.trim().to_owned()));
        }
        if tags.is_empty() || tags.iter().any(|tag| tag == "*") {
            return Ok(Self::Anything);
        }
        Ok(Self::OneOf(tags))
    }
}

fn tag_text(version: i32) -> String {
    format!("\"{version}\"")
}

/// The tag of a version.
pub fn tag(version: i32) -> HeaderValue {
    // Digits and quotes are always a valid header value.
    HeaderValue::try_from(tag_text(version)).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Whether the client already has the version `etag` (weak comparison, RFC 9110, 13.1.2).
pub(crate) fn is_not_modified(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(etag) = etag.to_str() else {
        return false;
    };
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || strong(tag) == strong(etag))
}

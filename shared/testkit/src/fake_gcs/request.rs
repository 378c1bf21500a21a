//! Parameters, authorization and errors of JSON API requests.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::Query,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::FakeGcs;

/// Query parameters.
pub(super) type Parameters = Query<BTreeMap<String, String>>;

/// An error in Google's format.
pub(super) fn error_response(status: StatusCode, message: &str) -> Response {
    let error = json!({"error": {"code": status.as_u16(), "message": message}});
    (status, Json(error)).into_response()
}

/// Checks a request: `401`, an unknown bucket, or a parameter that the emulator does not support.
pub(super) fn check(
    fake: &FakeGcs,
    bucket: &str,
    headers: &HeaderMap,
    parameters: &Parameters,
    known: &[&str],
) -> Option<Response> {
    if !fake.inner.account.has_sent(headers, fake.now()) {
        return Some(error_response(StatusCode::UNAUTHORIZED, "invalid token"));
    }
    if bucket != FakeGcs::BUCKET {
        return Some(error_response(
            StatusCode::NOT_FOUND,
            "the bucket does not exist",
        ));
    }
    let unknown = parameters
        .keys()
        .find(|name| !known.contains(&name.as_str()))?;
    Some(error_response(StatusCode::NOT_IMPLEMENTED, unknown))
}

//! The shapes of success: fetched, created, accepted.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::etag;

/// Something with a version, and so with an `ETag`.
pub trait Versioned: Serialize {
    /// Grows by one with every change.
    fn version(&self) -> i32;
}

/// `200`, the resource, its `ETag`.
#[derive(Debug)]
pub struct Fetched<T>(pub T);

impl<T: Versioned> IntoResponse for Fetched<T> {
    fn into_response(self) -> Response {
        let tag = etag::tag(self.0.version());
        ([(header::ETAG, tag)], Json(self.0)).into_response()
    }
}

/// `201`, the resource, its `Location` and `ETag`.
#[derive(Debug)]
pub struct Created<T> {
    /// Where it is from now on: an absolute path.
    pub location: String,
    /// What was created.
    pub resource: T,
}

impl<T: Versioned> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let tag = etag::tag(self.resource.version());
        let mut response = (
            StatusCode::CREATED,
            [(header::ETAG, tag)],
            Json(self.resource),
        )
            .into_response();
        if let Ok(location) = HeaderValue::try_from(self.location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// `202`: it will be looked at; the answer says nothing of the outcome.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

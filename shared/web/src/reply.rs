//! Success responses.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::etag;

/// A resource with a version, and therefore an `ETag`.
pub trait Versioned: Serialize {
    /// The version; increases by one with every change.
    fn version(&self) -> i32;
}

/// `200` with the resource and its `ETag`.
#[derive(Debug)]
pub struct Fetched<T>(pub T);

impl<T: Versioned> IntoResponse for Fetched<T> {
    fn into_response(self) -> Response {
        let tag = etag::tag(self.0.version());
        ([(header::ETAG, tag)], Json(self.0)).into_response()
    }
}

/// `201` with the resource, its `Location` and `ETag`.
#[derive(Debug)]
pub struct Created<T> {
    /// The absolute path of the resource.
    pub location: String,
    /// The created resource.
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

/// `202`: the request is processed later; the response does not reveal the outcome.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

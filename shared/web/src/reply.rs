//! Success responses.

use axum::{
    Json,
    body::Bytes,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::etag;

/// A text that only changes with a new version of the program: sent without a copy, with an `ETag` of its content.
#[derive(Clone, Debug)]
pub struct StaticFile {
    content: Bytes,
    tag: HeaderValue,
    media_type: &'static str,
}

impl StaticFile {
    /// A file of this type.
    pub fn new(media_type: &'static str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content);
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]));
        Self {
            content,
            // Base64 in quotes is a valid header value.
            tag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")),
            media_type,
        }
    }
}

impl IntoResponse for StaticFile {
    fn into_response(self) -> Response {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static(self.media_type),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::ETAG, self.tag),
        ];
        (headers, self.content).into_response()
    }
}

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

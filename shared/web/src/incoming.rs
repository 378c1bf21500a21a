//! A body that is read as it streams, never whole in memory.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
};
use bytes::Bytes;
use http::header;
use http_body_util::BodyExt;
use utoipa::openapi::{
    ContentBuilder, KnownFormat, ObjectBuilder, RefOr, Required, SchemaFormat,
    request_body::RequestBodyBuilder, schema::Type,
};

use crate::{
    Problem, RequestInfo,
    openapi::{Arg, OperationDoc},
    problem,
};

/// How long a client may keep silent in the middle of a body: shorter than the limit of the answer, so that there is one.
const SILENCE: Duration = Duration::from_secs(8);

/// A body to be read piece by piece. Whoever reads it sets the limit of its size; the limit of time is one of silence.
#[derive(Debug)]
pub struct Incoming {
    body: Body,
    info: RequestInfo,
    /// How many bytes the client has announced, if it has.
    pub length: Option<u64>,
    /// Its `Content-Type`; empty when there is none.
    pub content_type: String,
}

/// The body ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection broke, or what came is not what was announced.
    #[error("the body broke off")]
    Broken,
    /// Nothing came for too long.
    #[error("the body came to a halt")]
    Silent,
}

impl From<BodyError> for Problem {
    fn from(_: BodyError) -> Self {
        problem::BAD_REQUEST.problem()
    }
}

impl Incoming {
    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            match tokio::time::timeout(SILENCE, self.body.frame()).await {
                Err(_) => return Err(BodyError::Silent),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(BodyError::Broken),
                Ok(Some(Ok(frame))) => {
                    self.info.note_progress();
                    // Trailers say nothing to us.
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Incoming {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Ok(info) = RequestInfo::from_request_parts(&mut parts, state).await;
        let text = |name| {
            let value = parts.headers.get(name)?;
            value.to_str().ok()
        };
        Ok(Self {
            body,
            info,
            length: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            content_type: text(header::CONTENT_TYPE).unwrap_or_default().to_owned(),
        })
    }
}

impl Arg for Incoming {
    fn describe(doc: &mut OperationDoc) {
        let bytes = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .build();
        doc.operation.request_body = Some(RefOr::T(
            RequestBodyBuilder::new()
                .content(
                    "application/octet-stream",
                    ContentBuilder::new().schema(Some(bytes)).build(),
                )
                .required(Some(Required::True))
                .build(),
        ));
        doc.refuses(&problem::BAD_REQUEST);
        doc.refuses(&problem::TOO_LARGE);
    }
}

//! Streaming request bodies, never held in memory as a whole.

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

/// Idle timeout within a body: shorter than the limit of the response head, so that a response is still sent.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(8);

/// A body to be read chunk by chunk. The reader limits its size; the time limit is an idle timeout.
#[derive(Debug)]
pub struct Incoming {
    body: Body,
    info: RequestInfo,
    /// The value of `Content-Length`, if present.
    pub length: Option<u64>,
    /// The value of `Content-Type`; empty if absent.
    pub content_type: String,
}

/// The body ended prematurely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection broke, or the length differs from `Content-Length`.
    #[error("the body ended prematurely")]
    Broken,
    /// The client sent nothing for too long.
    #[error("the client stopped sending the body")]
    TimedOut,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Broken => problem::BAD_REQUEST.problem(),
            BodyError::TimedOut => problem::REQUEST_TIMEOUT.problem(),
        }
    }
}

impl Incoming {
    /// The next chunk; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            match tokio::time::timeout(IDLE_TIMEOUT, self.body.frame()).await {
                Err(_) => return Err(BodyError::TimedOut),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(BodyError::Broken),
                Ok(Some(Ok(frame))) => {
                    self.info.record_progress();
                    // Trailers are ignored.
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
        doc.refuses(&problem::REQUEST_TIMEOUT);
        doc.refuses(&problem::TOO_LARGE);
    }
}

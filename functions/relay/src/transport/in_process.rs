//! Functions in the same process: the same envelope and secret as over HTTP, without a network.

use std::collections::BTreeMap;

use ::http::{HeaderValue, Request, header};
use access::InternalAuth;
use axum::{Router, body::Body};
use events::{Envelope, push};
use http_body_util::{BodyExt, Limited};
use tower::ServiceExt;
use web::{
    Clock,
    edge::{self, Edge},
};

use super::{Transport, response};
use crate::DeliveryOutcome;

/// Calls functions through their routers.
#[derive(Clone, Debug)]
pub struct InProcess {
    functions: BTreeMap<String, Router>,
    authorization: Option<HeaderValue>,
    clock: Clock,
}

impl InProcess {
    /// A transport without functions that authenticates with this secret.
    pub fn new(auth: &InternalAuth, clock: Clock) -> Self {
        Self {
            functions: BTreeMap::new(),
            authorization: auth.header(),
            clock,
        }
    }

    /// Adds a function with its internal routes (`Service::internal`).
    pub fn with_function(mut self, name: impl Into<String>, internal: Router) -> Self {
        let edge = Edge {
            clock: self.clock.clone(),
            trusted_proxies: 0,
        };
        self.functions
            .insert(name.into(), edge::wrap(internal, edge));
        self
    }

    fn request(&self, function: &str, event: &Envelope, attempt: i32) -> Request<Body> {
        let body = push::wrap(event, function, attempt).to_string();
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = ::http::Method::POST;
        *request.uri_mut() = ::http::Uri::from_static(push::PATH);
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(value) = &self.authorization {
            headers.insert(header::AUTHORIZATION, value.clone());
        }
        let id = event.request_id.as_deref();
        if let Some(id) = id.and_then(|id| HeaderValue::try_from(id).ok()) {
            headers.insert("x-request-id", id);
        }
        request
    }
}

impl Transport for InProcess {
    async fn deliver(&self, function: &str, event: &Envelope, attempt: i32) -> DeliveryOutcome {
        let Some(router) = self.functions.get(function) else {
            return DeliveryOutcome::Unreachable(format!("{function} is not in this process"));
        };
        let request = self.request(function, event, attempt);
        let Ok(response) = router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, response::MAX_BODY_BYTES).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        response::classify(parts.status, &body.unwrap_or_default())
    }
}

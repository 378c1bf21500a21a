//! Functions in the same process: the same envelope and secret, without a network.

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

use super::{Transport, answer};
use crate::Delivery;

/// Functions behind their routers.
#[derive(Clone, Debug)]
pub struct InProcess {
    functions: BTreeMap<String, Router>,
    proof: Option<HeaderValue>,
    clock: Clock,
}

impl InProcess {
    /// None yet; the proof is what all functions of the process ask for.
    pub fn new(auth: &InternalAuth, clock: Clock) -> Self {
        Self {
            functions: BTreeMap::new(),
            proof: auth.header(),
            clock,
        }
    }

    /// A function and what only the platform itself calls of it (`Service::internal`).
    pub fn function(mut self, name: impl Into<String>, internal: Router) -> Self {
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
        if let Some(proof) = &self.proof {
            headers.insert(header::AUTHORIZATION, proof.clone());
        }
        let id = event.request_id.as_deref();
        if let Some(id) = id.and_then(|id| HeaderValue::try_from(id).ok()) {
            headers.insert("x-request-id", id);
        }
        request
    }
}

impl Transport for InProcess {
    async fn deliver(&self, function: &str, event: &Envelope, attempt: i32) -> Delivery {
        let Some(router) = self.functions.get(function) else {
            return Delivery::Unreachable(format!("{function} is not in this process"));
        };
        let request = self.request(function, event, attempt);
        let Ok(response) = router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, answer::LIMIT).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        answer::read(parts.status, &body.unwrap_or_default())
    }
}

//! HTTP between processes.

use std::{collections::BTreeMap, error::Error, time::Duration};

use ::http::{HeaderMap, HeaderValue, header};
use access::InternalAuth;
use events::{Envelope, push};

use super::{Transport, response};
use crate::DeliveryOutcome;

/// How long a function may take to respond.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Calls functions at their URLs.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    urls: BTreeMap<String, String>,
}

impl Http {
    /// A client for these functions, by name, that authenticates with this secret.
    pub fn new(
        urls: BTreeMap<String, String>,
        auth: &InternalAuth,
    ) -> Result<Self, reqwest::Error> {
        let mut headers = HeaderMap::new();
        headers.extend(auth.header().map(|value| (header::AUTHORIZATION, value)));
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent("revalenz-relay")
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // The secret must reach the function only: no redirects, no proxy.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client, urls })
    }

    async fn send(
        &self,
        url: &str,
        function: &str,
        event: &Envelope,
        attempt: i32,
    ) -> Result<DeliveryOutcome, reqwest::Error> {
        let mut request = self
            .client
            .post(format!("{}{}", url.trim_end_matches('/'), push::PATH))
            .header(header::CONTENT_TYPE, "application/json")
            .body(push::wrap(event, function, attempt).to_string());
        if let Some(id) = event
            .request_id
            .as_deref()
            .and_then(|id| HeaderValue::try_from(id).ok())
        {
            request = request.header("x-request-id", id);
        }
        let mut response = request.send().await?;
        let mut body = Vec::new();
        while body.len() < response::MAX_BODY_BYTES
            && let Some(chunk) = response.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(response::classify(response.status(), &body))
    }
}

impl Transport for Http {
    async fn deliver(&self, function: &str, event: &Envelope, attempt: i32) -> DeliveryOutcome {
        let Some(url) = self.urls.get(function) else {
            return DeliveryOutcome::Unreachable(format!("{function} has no URL"));
        };
        match self.send(url, function, event, attempt).await {
            Ok(outcome) => outcome,
            Err(error) => DeliveryOutcome::Unreachable(root_cause(&error.without_url())),
        }
    }
}

/// The innermost error says what happened; the outer ones only that the request failed.
fn root_cause(mut error: &(dyn Error + 'static)) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

//! Straight HTTP between processes.

use std::{collections::BTreeMap, error::Error, time::Duration};

use ::http::{HeaderMap, HeaderValue, header};
use access::InternalAuth;
use events::{Envelope, push};

use super::{Transport, answer};
use crate::Delivery;

/// How long a function may take to answer.
const LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to be found.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Functions behind addresses.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    urls: BTreeMap<String, String>,
}

impl Http {
    /// Functions by name, each with its address, and the proof that they ask for.
    pub fn new(
        urls: BTreeMap<String, String>,
        auth: &InternalAuth,
    ) -> Result<Self, reqwest::Error> {
        let mut headers = HeaderMap::new();
        headers.extend(auth.header().map(|proof| (header::AUTHORIZATION, proof)));
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent("revalenz-relay")
            .connect_timeout(CONNECT_LIMIT)
            .timeout(LIMIT)
            // The secret goes to the function, and nowhere else.
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
    ) -> Result<Delivery, reqwest::Error> {
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
        while body.len() < answer::LIMIT
            && let Some(chunk) = response.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(answer::read(response.status(), &body))
    }
}

impl Transport for Http {
    async fn deliver(&self, function: &str, event: &Envelope, attempt: i32) -> Delivery {
        let Some(url) = self.urls.get(function) else {
            return Delivery::Unreachable(format!("{function} has no address"));
        };
        match self.send(url, function, event, attempt).await {
            Ok(delivery) => delivery,
            Err(error) => Delivery::Unreachable(cause(&error.without_url())),
        }
    }
}

/// The last link of the chain says what happened; the first only that something did.
fn cause(mut error: &(dyn Error + 'static)) -> String {
    while let Some(deeper) = error.source() {
        error = deeper;
    }
    error.to_string()
}

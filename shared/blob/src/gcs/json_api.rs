//! Metadata requests via the JSON API. Google's client uses gRPC for them, which would add six megabytes to the binary:
//! decisions/2026-11-21-files.md.

use std::io;

use bytes::Bytes;
use google_cloud_auth::credentials::CacheableResource;
use http::{Extensions, HeaderMap, Method, StatusCode};

use super::clients::{Clients, INITIAL_BACKOFF, MAX_ATTEMPTS};
use crate::{Result, StoreError};

impl Clients {
    /// Sends a request with retries, as all requests here are idempotent. `None` for `404`.
    pub(super) async fn send(&self, method: &Method, url: &str) -> Result<Option<Bytes>> {
        let mut backoff = INITIAL_BACKOFF;
        for _ in 1..MAX_ATTEMPTS {
            match self.attempt(method, url).await {
                Err(Failure::Transient(_)) => tokio::time::sleep(backoff).await,
                Err(Failure::Permanent(error)) => return Err(error),
                Ok(response) => return Ok(response),
            }
            backoff *= 2;
        }
        self.attempt(method, url)
            .await
            .map_err(|failure| match failure {
                Failure::Transient(error) | Failure::Permanent(error) => error,
            })
    }

    async fn attempt(&self, method: &Method, url: &str) -> Result<Option<Bytes>, Failure> {
        let headers = self.headers().await.map_err(Failure::Permanent)?;
        let request = self.http.request(method.clone(), url).headers(headers);
        let response = request.send().await.map_err(network_error)?;
        let status = response.status();
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            _ if status.is_success() => response.bytes().await.map(Some).map_err(network_error),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(Failure::Transient(refused(status)))
            }
            _ if status.is_server_error() => Err(Failure::Transient(refused(status))),
            _ => Err(Failure::Permanent(refused(status))),
        }
    }

    /// The authorization headers, with a token that is cached until shortly before it expires.
    async fn headers(&self) -> Result<HeaderMap> {
        match self.credentials.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            // Only returned for conditional requests.
            Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
            Err(error) => Err(StoreError::Io(io::Error::other(error))),
        }
    }
}

/// A failed attempt, transient or permanent.
enum Failure {
    Transient(StoreError),
    Permanent(StoreError),
}

fn network_error(error: reqwest::Error) -> Failure {
    Failure::Transient(StoreError::Io(io::Error::other(error.without_url())))
}

fn refused(status: StatusCode) -> StoreError {
    StoreError::Refused(status.to_string())
}

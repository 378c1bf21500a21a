//! Short questions about objects, by the JSON interface. Google's client asks them by gRPC, at the price of six megabytes in
//! the program: decisions/2026-11-21-files.md.

use std::io;

use bytes::Bytes;
use google_cloud_auth::credentials::CacheableResource;
use http::{Extensions, HeaderMap, Method, StatusCode};

use super::clients::{ATTEMPTS, Clients, PAUSE};
use crate::{Result, StoreError};

impl Clients {
    /// What Google answers; `None` where there is nothing. Whatever is asked here can be asked again.
    pub(super) async fn ask(&self, method: &Method, url: &str) -> Result<Option<Bytes>> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(method, url).await {
                Err(Failure::Passing(_)) => tokio::time::sleep(pause).await,
                Err(Failure::Final(error)) => return Err(error),
                Ok(answer) => return Ok(answer),
            }
            pause *= 2;
        }
        self.attempt(method, url)
            .await
            .map_err(|failure| match failure {
                Failure::Passing(error) | Failure::Final(error) => error,
            })
    }

    async fn attempt(&self, method: &Method, url: &str) -> Result<Option<Bytes>, Failure> {
        let headers = self.headers().await.map_err(Failure::Final)?;
        let request = self.http.request(method.clone(), url).headers(headers);
        let answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            _ if status.is_success() => answer.bytes().await.map(Some).map_err(lost),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(Failure::Passing(refused(status)))
            }
            _ if status.is_server_error() => Err(Failure::Passing(refused(status))),
            _ => Err(Failure::Final(refused(status))),
        }
    }

    /// Who we are: a token that is kept until it is about to run out.
    async fn headers(&self) -> Result<HeaderMap> {
        match self.credentials.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            // Only who names a version is told that it is still the same.
            Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
            Err(error) => Err(StoreError::Io(io::Error::other(error))),
        }
    }
}

/// Whether it is worth trying again.
enum Failure {
    Passing(StoreError),
    Final(StoreError),
}

fn lost(error: reqwest::Error) -> Failure {
    Failure::Passing(StoreError::Io(io::Error::other(error.without_url())))
}

fn refused(status: StatusCode) -> StoreError {
    StoreError::Refused(status.to_string())
}

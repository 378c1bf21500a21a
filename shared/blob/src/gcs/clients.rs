//! Google's client, who it is, and how often it tries.

use std::time::Duration;

use google_cloud_auth::{
    credentials::{self, Credentials, service_account},
    signer::Signer,
};
use google_cloud_gax::{
    exponential_backoff::ExponentialBackoffBuilder, retry_policy::RetryPolicyExt,
};
use google_cloud_storage::{
    client::Storage,
    read_resume_policy::{ReadResumePolicyExt, Recommended},
    retry_policy::RetryableErrors,
};
use serde_json::Value;

use crate::{Result, StoreError};

/// Attempts at one request, and resumptions of one download. Counted and not timed: an upload may take an hour.
pub(super) const ATTEMPTS: u32 = 4;
/// Before the second attempt; before each further one twice as long.
pub(super) const PAUSE: Duration = Duration::from_millis(250);

/// Somebody who stands in for Google.
pub(super) struct StandIn {
    pub(super) endpoint: String,
    /// The key of an account that is known there, as Google gives it out.
    pub(super) account: Value,
}

/// Who asks Google for what.
pub(super) struct Clients {
    /// For bytes.
    pub(super) objects: Storage,
    /// For everything else, with [`Self::credentials`].
    pub(super) http: reqwest::Client,
    pub(super) credentials: Credentials,
    /// For addresses.
    pub(super) signer: Signer,
}

impl Clients {
    pub(super) async fn connect(stand_in: Option<&StandIn>) -> Result<Self> {
        let mut objects = Storage::builder()
            .with_retry_policy(RetryableErrors.with_attempt_limit(ATTEMPTS))
            .with_read_resume_policy(Recommended.with_attempt_limit(ATTEMPTS))
            .with_backoff_policy(
                ExponentialBackoffBuilder::new()
                    .with_initial_delay(PAUSE)
                    .build()
                    .map_err(wrong)?,
            );
        let (credentials, signer) = if let Some(StandIn { endpoint, account }) = stand_in {
            objects = objects.with_endpoint(endpoint);
            let account = || service_account::Builder::new(account.clone());
            (account().build(), account().build_signer())
        } else {
            let own = credentials::Builder::default;
            (own().build(), own().build_signer())
        };
        let credentials = credentials.map_err(wrong)?;
        Ok(Self {
            objects: objects
                .with_credentials(credentials.clone())
                .build()
                .await
                .map_err(wrong)?,
            http: reqwest::Client::builder()
                .connect_timeout(Duration::from_secs(5))
                .timeout(Duration::from_secs(15))
                .build()
                .map_err(wrong)?,
            credentials,
            signer: signer.map_err(wrong)?,
        })
    }
}

fn wrong(error: impl std::fmt::Display) -> StoreError {
    StoreError::Settings(error.to_string())
}

//! Google's clients with credentials and retry policy.

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

/// Maximum number of attempts at a request, and of resumptions of a download. Not a time limit: an upload may take an hour.
pub(super) const MAX_ATTEMPTS: u32 = 4;
/// Delay before the second attempt, doubled for each further one.
pub(super) const INITIAL_BACKOFF: Duration = Duration::from_millis(250);

/// An emulator of Google Cloud Storage.
pub(super) struct Emulator {
    pub(super) endpoint: String,
    /// A service account key known to the emulator, in Google's format.
    pub(super) account: Value,
}

/// The clients for the different APIs.
pub(super) struct Clients {
    /// For object data.
    pub(super) objects: Storage,
    /// For the JSON API, with [`Self::credentials`].
    pub(super) http: reqwest::Client,
    pub(super) credentials: Credentials,
    /// For signed URLs.
    pub(super) signer: Signer,
}

impl Clients {
    pub(super) async fn connect(emulator: Option<&Emulator>) -> Result<Self> {
        let mut objects = Storage::builder()
            .with_retry_policy(RetryableErrors.with_attempt_limit(MAX_ATTEMPTS))
            .with_read_resume_policy(Recommended.with_attempt_limit(MAX_ATTEMPTS))
            .with_backoff_policy(
                ExponentialBackoffBuilder::new()
                    .with_initial_delay(INITIAL_BACKOFF)
                    .build()
                    .map_err(invalid_settings)?,
            );
        let (credentials, signer) = if let Some(Emulator { endpoint, account }) = emulator {
            objects = objects.with_endpoint(endpoint);
            let account = || service_account::Builder::new(account.clone());
            (account().build(), account().build_signer())
        } else {
            let own = credentials::Builder::default;
            (own().build(), own().build_signer())
        };
        let credentials = credentials.map_err(invalid_settings)?;
        Ok(Self {
            objects: objects
                .with_credentials(credentials.clone())
                .build()
                .await
                .map_err(invalid_settings)?,
            http: reqwest::Client::builder()
                .connect_timeout(Duration::from_secs(5))
                .timeout(Duration::from_secs(15))
                .build()
                .map_err(invalid_settings)?,
            credentials,
            signer: signer.map_err(invalid_settings)?,
        })
    }
}

fn invalid_settings(error: impl std::fmt::Display) -> StoreError {
    StoreError::Settings(error.to_string())
}

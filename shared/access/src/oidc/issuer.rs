//! One issuer, with its cached metadata and keys.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use jsonwebtoken::Algorithm;
use serde::de::DeserializeOwned;

use super::{OidcError, cached::Cached, fetch, keys::Keys, metadata::Metadata, token};

/// Timeouts of requests to an issuer. Three responses fit into the 10 s of a request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(2_500);

/// An external token issuer.
pub struct Issuer {
    url: String,
    /// Whether loopback URLs without TLS are allowed.
    local: bool,
    http: reqwest::Client,
    metadata: Cached<Metadata>,
    keys: Cached<Keys>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({})", self.url)
    }
}

impl Issuer {
    /// Creates the HTTP client for issuers. `local` allows loopback URLs without TLS.
    pub fn client(local: bool) -> Result<reqwest::Client, reqwest::Error> {
        reqwest::Client::builder()
            .user_agent("revalenz")
            .https_only(!local)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(RESPONSE_TIMEOUT)
            // Never forward secrets to another host.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
    }

    /// Creates an issuer identified by its URL; `None` if the URL is not acceptable.
    pub fn new(url: String, local: bool, http: reqwest::Client) -> Option<Self> {
        fetch::parse_url(&url, local)?;
        Some(Self {
            url,
            local,
            http,
            metadata: Cached::default(),
            keys: Cached::default(),
        })
    }

    /// The issuer's URL, which is its identifier.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The HTTP client.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The issuer's metadata.
    pub async fn metadata(&self, now: DateTime<Utc>) -> Result<Arc<Metadata>, OidcError> {
        let load = Metadata::fetch(&self.http, &self.url, self.local);
        self.metadata.get(now, |_| true, load).await
    }

    /// Verifies a token signed by one of the issuer's keys with one of these algorithms, and returns its claims. An unknown
    /// key id triggers a refresh of the key set, at most every ten seconds.
    pub async fn verify<C: DeserializeOwned + Clone>(
        &self,
        token: &str,
        algorithms: &[Algorithm],
        now: DateTime<Utc>,
    ) -> Result<C, OidcError> {
        let key_ref = token::key_ref(token, algorithms)?;
        let load = async {
            let metadata = self.metadata(now).await?;
            Keys::fetch(&self.http, &metadata.jwks_uri).await
        };
        let keys = self
            .keys
            .get(now, |keys| keys.find(&key_ref).is_some(), load)
            .await?;
        let key = keys
            .find(&key_ref)
            .ok_or(OidcError::Refused("the ID token names an unknown key"))?;
        token::claims(token, key_ref.algorithm, key)
    }
}

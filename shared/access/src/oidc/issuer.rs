//! One issuer, with what is remembered of it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use jsonwebtoken::Algorithm;
use serde::de::DeserializeOwned;

use super::{OidcError, fetch, keys::Keys, metadata::Metadata, remembered::Remembered, token};

/// How long an issuer may take to be found, and to answer. Three answers fit into the 10 s of a request.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: Duration = Duration::from_millis(2_500);

/// Whoever signs tokens outside.
pub struct Issuer {
    url: String,
    /// Whether addresses without TLS are allowed: those of this machine alone.
    local: bool,
    http: reqwest::Client,
    metadata: Remembered<Metadata>,
    keys: Remembered<Keys>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({})", self.url)
    }
}

impl Issuer {
    /// What asks issuers. `local`: those on this machine may speak without TLS.
    pub fn client(local: bool) -> Result<reqwest::Client, reqwest::Error> {
        reqwest::Client::builder()
            .user_agent("revalenz")
            .https_only(!local)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT)
            // Secrets go to the issuer, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
    }

    /// The issuer of this name, which is its address; `None` when it must not be asked.
    pub fn new(url: String, local: bool, http: reqwest::Client) -> Option<Self> {
        fetch::address(&url, local)?;
        Some(Self {
            url,
            local,
            http,
            metadata: Remembered::default(),
            keys: Remembered::default(),
        })
    }

    /// Its name.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What asks it.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// What it says about itself.
    pub async fn metadata(&self, now: DateTime<Utc>) -> Result<Arc<Metadata>, OidcError> {
        let load = Metadata::fetch(&self.http, &self.url, self.local);
        self.metadata.get(now, |_| true, load).await
    }

    /// What a token says, if one of its keys signed it with one of these algorithms. A token that names an unknown key makes
    /// us ask again, but not more often than every ten seconds.
    pub async fn verify<C: DeserializeOwned + Clone>(
        &self,
        token: &str,
        algorithms: &[Algorithm],
        now: DateTime<Utc>,
    ) -> Result<C, OidcError> {
        let named = token::named(token, algorithms)?;
        let load = async {
            let metadata = self.metadata(now).await?;
            Keys::fetch(&self.http, &metadata.jwks_uri).await
        };
        let keys = self
            .keys
            .get(now, |keys| keys.find(&named).is_some(), load)
            .await?;
        let key = keys
            .find(&named)
            .ok_or(OidcError::Refused("the ID token names an unknown key"))?;
        token::claims(token, named.algorithm, key)
    }
}

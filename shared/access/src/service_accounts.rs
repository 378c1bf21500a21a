//! Google's own callers: Pub/Sub's pushes and Cloud Scheduler's calls, each with an ID token of a service account.
//!
//! Cloud Run can check such a token itself, and then hands it on without its signature. So its check is switched off, the
//! ingress is internal, and the token is checked here: signature, issuer, audience, time, and the very account.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::Algorithm;
use serde::Deserialize;

use crate::oidc::{Issuer, OidcError};

/// Who signs for Google's service accounts.
const GOOGLE: &str = "https://accounts.google.com";
/// The one algorithm it signs with.
const ALGORITHM: [Algorithm; 1] = [Algorithm::RS256];
/// What clocks of two organisations may differ by.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Google's tokens are good for an hour: whoever got hold of a key could make one for ever.
const LONGEST_LIFETIME: TimeDelta = TimeDelta::hours(2);

/// The accounts that may call what only the platform itself calls.
#[derive(Clone, Debug)]
pub struct ServiceAccounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: Issuer,
    audience: String,
    emails: Vec<String>,
}

/// The settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ServiceAccountsError {
    /// One without the other would let in nobody, or anybody.
    #[error(
        "REVALENZ_INTERNAL_OIDC_AUDIENCE and REVALENZ_INTERNAL_OIDC_ACCOUNTS belong together: set both, or none"
    )]
    Incomplete,
    /// An account is its address, as Google writes it.
    #[error(
        "REVALENZ_INTERNAL_OIDC_ACCOUNTS: {0:?} is no address of a service account in lower case"
    )]
    Account(String),
    /// There is no client to ask with.
    #[error("no one can ask Google for its keys: {0}")]
    Client(#[from] reqwest::Error),
    /// Only in tests another one is asked.
    #[error("the issuer must be an https address")]
    Issuer,
}

/// What is read of a token. `aud` is one text and `email_verified` a plain true, as Google writes them.
#[derive(Clone, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    email: String,
    email_verified: bool,
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
}

impl ServiceAccounts {
    /// As the settings name them: `<address>[,<address>]`. `None` when neither is set.
    pub fn google(
        audience: Option<&str>,
        accounts: Option<&str>,
    ) -> Result<Option<Self>, ServiceAccountsError> {
        match (audience, accounts) {
            (None, None) => Ok(None),
            (Some(audience), Some(accounts)) => {
                Self::with_issuer(GOOGLE, audience, accounts, false).map(Some)
            }
            _ => Err(ServiceAccountsError::Incomplete),
        }
    }

    /// The same under another issuer, for tests. `local`: it is on this machine, without TLS.
    pub fn with_issuer(
        issuer: &str,
        audience: &str,
        accounts: &str,
        local: bool,
    ) -> Result<Self, ServiceAccountsError> {
        let emails: Vec<String> = accounts
            .split(',')
            .map(|one| one.trim().to_owned())
            .collect();
        let is_address = |text: &str| {
            text.split_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase())
        };
        if let Some(wrong) = emails.iter().find(|email| !is_address(email)) {
            return Err(ServiceAccountsError::Account(wrong.clone()));
        }
        if audience.trim().is_empty() {
            return Err(ServiceAccountsError::Incomplete);
        }
        let issuer = Issuer::new(issuer.to_owned(), local, Issuer::client(local)?)
            .ok_or(ServiceAccountsError::Issuer)?;
        Ok(Self(Arc::new(Inner {
            issuer,
            audience: audience.trim().to_owned(),
            emails,
        })))
    }

    /// Whether the token is one of these accounts', for us, now. An error when Google's keys can't be had.
    pub(crate) async fn accept(&self, token: &str, now: DateTime<Utc>) -> Result<bool, OidcError> {
        let verified = self.0.issuer.verify(token, &ALGORITHM, now).await;
        let claims: Claims = match verified {
            Ok(claims) => claims,
            Err(OidcError::Refused(reason)) => {
                tracing::debug!(reason, "a service account's token is refused");
                return Ok(false);
            }
            Err(error @ OidcError::Unavailable(_)) => return Err(error),
        };
        Ok(self.is_ours(&claims, now))
    }

    fn is_ours(&self, claims: &Claims, now: DateTime<Utc>) -> bool {
        let at = |seconds: i64| DateTime::from_timestamp(seconds, 0);
        // Reckoned from our own time: a time at the end of the calendar can't be added to.
        let timely = at(claims.exp)
            .is_some_and(|exp| now - LEEWAY < exp && exp < now + LONGEST_LIFETIME)
            && at(claims.iat).is_some_and(|iat| iat <= now + LEEWAY)
            && claims
                .nbf
                .is_none_or(|nbf| at(nbf).is_some_and(|nbf| nbf <= now + LEEWAY));
        timely
            && claims.iss == self.0.issuer.url()
            && claims.aud == self.0.audience
            && claims.email_verified
            && self.0.emails.contains(&claims.email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_belong_together_and_name_accounts() {
        let read = ServiceAccounts::google;
        assert!(read(None, None).unwrap().is_none());
        let account = "relay@project.iam.gserviceaccount.com";
        assert!(read(Some("revalenz"), Some(account)).unwrap().is_some());
        let two = format!("{account}, scheduler@project.iam.gserviceaccount.com");
        assert_eq!(
            read(Some("revalenz"), Some(&two))
                .unwrap()
                .unwrap()
                .0
                .emails
                .len(),
            2
        );
        for (audience, accounts) in [
            (None, Some(account)),
            (Some("revalenz"), None),
            (Some(" "), Some(account)),
            (Some("revalenz"), Some("")),
            (Some("revalenz"), Some("a@b,")),
            (Some("revalenz"), Some("Relay@project.example")),
            (Some("revalenz"), Some("@project.example")),
        ] {
            assert!(
                read(audience, accounts).is_err(),
                "{audience:?} {accounts:?}"
            );
        }
    }
}

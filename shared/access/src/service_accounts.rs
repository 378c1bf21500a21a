//! Internal callers on Google Cloud: Pub/Sub pushes and Cloud Scheduler calls, each with an ID token of a service account.
//!
//! Cloud Run can verify such a token itself, but then forwards it without its signature. Its check is therefore disabled, the
//! ingress is internal, and the token is verified here: signature, issuer, audience, times, and account.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::Algorithm;
use serde::Deserialize;

use crate::oidc::{Issuer, OidcError};

/// Issuer of the ID tokens of Google's service accounts.
const GOOGLE_ISSUER: &str = "https://accounts.google.com";
/// The only accepted signature algorithm.
const ALGORITHM: [Algorithm; 1] = [Algorithm::RS256];
/// Allowed clock difference.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Maximum lifetime of a token. Google's are valid for one hour; a stolen key must not allow longer ones.
const MAX_LIFETIME: TimeDelta = TimeDelta::hours(2);

/// Service accounts that may call internal routes.
#[derive(Clone, Debug)]
pub struct ServiceAccounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: Issuer,
    audience: String,
    emails: Vec<String>,
}

/// The settings are invalid.
#[derive(Debug, thiserror::Error)]
pub enum ServiceAccountsError {
    /// One is set without the other.
    #[error(
        "REVALENZ_INTERNAL_OIDC_AUDIENCE and REVALENZ_INTERNAL_OIDC_ACCOUNTS must be set together"
    )]
    Incomplete,
    /// An account is not a service account email in lower case.
    #[error("REVALENZ_INTERNAL_OIDC_ACCOUNTS: {0:?} is not a service account email in lower case")]
    Account(String),
    /// The HTTP client could not be created.
    #[error("cannot create the HTTP client for Google's keys: {0}")]
    Client(#[from] reqwest::Error),
    /// The issuer is invalid; only possible in tests.
    #[error("the issuer must be an https URL")]
    Issuer,
}

/// The claims of a token. `aud` is a single string and `email_verified` a boolean, as in Google's tokens.
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
    /// Reads the settings; accounts are `<email>[,<email>]`. `None` if neither is set.
    pub fn google(
        audience: Option<&str>,
        accounts: Option<&str>,
    ) -> Result<Option<Self>, ServiceAccountsError> {
        match (audience, accounts) {
            (None, None) => Ok(None),
            (Some(audience), Some(accounts)) => {
                Self::with_issuer(GOOGLE_ISSUER, audience, accounts, false).map(Some)
            }
            _ => Err(ServiceAccountsError::Incomplete),
        }
    }

    /// With another issuer, for tests. `local` allows an issuer on the loopback interface without TLS.
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

    /// Whether the token is valid and belongs to one of these accounts. An error if Google's keys are unavailable.
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
        // Computed from the current time: adding to a claim at the end of the calendar could overflow.
        let is_current = at(claims.exp)
            .is_some_and(|exp| now - LEEWAY < exp && exp < now + MAX_LIFETIME)
            && at(claims.iat).is_some_and(|iat| iat <= now + LEEWAY)
            && claims
                .nbf
                .is_none_or(|nbf| at(nbf).is_some_and(|nbf| nbf <= now + LEEWAY));
        is_current
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
    fn invalid_settings_are_refused() {
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

//! Internal callers: the relay and the scheduler, or Google's services in their place.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use chrono::{DateTime, Utc};
use http::{HeaderValue, header, request::Parts};
use utoipa::openapi::security::SecurityRequirement;
use web::{
    Problem,
    openapi::{Arg, OperationDoc},
    problem,
    settings::SecretString,
};

use crate::{
    AppState, Keyring, Purpose, ServiceAccounts, authenticator::unauthenticated, oidc::OidcError,
    opaque,
};

/// Minimum length of a shared secret.
const MIN_SECRET_LENGTH: usize = 32;

/// The credentials of internal callers: a bearer token that all processes share, or on Google Cloud the ID token of a service
/// account.
#[derive(Clone, Debug)]
pub struct InternalAuth {
    /// The first is presented, all are accepted: there are two during a rotation.
    secrets: Arc<[SecretString]>,
    /// Service accounts whose ID tokens are accepted too.
    accounts: Option<ServiceAccounts>,
}

/// The secret is invalid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "an internal secret must have at least {MIN_SECRET_LENGTH} characters: letters, digits or - . _ ~ + / ="
)]
pub struct InternalSecretError;

impl InternalAuth {
    /// Parses `<secret>[,<secret>]`, the newest first.
    pub fn parse(text: &str) -> Result<Self, InternalSecretError> {
        let secrets: Vec<SecretString> = text
            .split(',')
            .map(str::trim)
            .map(SecretString::new)
            .collect();
        let usable = |secret: &SecretString| {
            let text = secret.expose();
            text.len() >= MIN_SECRET_LENGTH
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b))
        };
        if secrets.iter().all(usable) {
            Ok(Self::shared(secrets))
        } else {
            Err(InternalSecretError)
        }
    }

    /// The secret derived from the master key.
    pub fn derived(keyring: &Keyring) -> Self {
        let secrets = keyring
            .mac_with_each_key(Purpose::InternalCalls, b"bearer")
            .iter()
            .map(|tag| SecretString::new(hex(tag)))
            .collect();
        Self::shared(secrets)
    }

    fn shared(secrets: Vec<SecretString>) -> Self {
        Self {
            secrets: secrets.into(),
            accounts: None,
        }
    }

    /// Also accepts ID tokens of these accounts.
    pub fn with_accounts(self, accounts: Option<ServiceAccounts>) -> Self {
        Self { accounts, ..self }
    }

    /// The `Authorization` header to present.
    pub fn header(&self) -> Option<HeaderValue> {
        let mut value =
            HeaderValue::try_from(format!("Bearer {}", self.secrets.first()?.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Whether the credentials are valid. An error if this cannot be determined right now.
    pub async fn accepts(
        &self,
        authorization: Option<&HeaderValue>,
        now: DateTime<Utc>,
    ) -> Result<bool, OidcError> {
        let Some((scheme, presented)) = authorization
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split_once(' '))
        else {
            return Ok(false);
        };
        let presented = presented.trim();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Ok(false);
        }
        match &self.accounts {
            _ if self.is_secret(presented) => Ok(true),
            Some(accounts) => accounts.accept(presented, now).await,
            None => Ok(false),
        }
    }

    /// Compares hashes, so that the duration depends neither on length nor content.
    fn is_secret(&self, presented: &str) -> bool {
        let presented = opaque::sha256(presented.as_bytes());
        let mut known = false;
        for secret in self.secrets.iter() {
            known |=
                opaque::constant_time_eq(&opaque::sha256(secret.expose().as_bytes()), &presented);
        }
        known
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An internal caller. It can only be created from an authenticated request.
#[derive(Clone, Copy, Debug)]
pub struct InternalCaller(());

impl<S> FromRequestParts<S> for InternalCaller
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut presented = parts.headers.get_all(header::AUTHORIZATION).iter();
        let first = presented.next();
        // Two credentials: which one applies must not be guessed.
        if presented.next().is_some() {
            return Err(unauthenticated());
        }
        let app = AppState::from_ref(state);
        let accepted = app.internal_auth().accepts(first, app.clock().now());
        match accepted.await {
            Ok(true) => Ok(Self(())),
            Ok(false) => Err(unauthenticated()),
            // Not 401: the credentials may be valid, and the caller retries.
            Err(error) => {
                tracing::warn!(%error, "Google's keys are unavailable");
                Err(problem::UNAVAILABLE.problem())
            }
        }
    }
}

impl Arg for InternalCaller {
    fn describe(doc: &mut OperationDoc) {
        doc.operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(
            "bearer",
            [],
        )]);
        doc.extend("x-permission", "the platform itself");
        doc.refuses(&problem::UNAUTHENTICATED);
        doc.refuses(&problem::UNAVAILABLE);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const OLD: &str = "old-old-old-old-old-old-old-old-old";
    const NEW: &str = "new-new-new-new-new-new-new-new-new";

    fn accepts(auth: &InternalAuth, text: &str) -> bool {
        auth.accepts(
            Some(&HeaderValue::try_from(text).unwrap()),
            DateTime::default(),
        )
        .now_or_never()
        .unwrap()
        .unwrap()
    }

    #[test]
    fn during_a_rotation_both_secrets_are_accepted_and_the_newest_is_presented() {
        let auth = InternalAuth::parse(&format!("{NEW}, {OLD}")).unwrap();
        assert_eq!(auth.header().unwrap(), format!("Bearer {NEW}").as_str());
        for secret in [OLD, NEW] {
            assert!(accepts(&auth, &format!("Bearer {secret}")));
            assert!(accepts(&auth, &format!("bearer {secret}")));
        }
    }

    #[test]
    fn nothing_else_is_accepted() {
        let auth = InternalAuth::parse(OLD).unwrap();
        for text in [
            "",
            "Bearer",
            "Bearer ",
            OLD,
            &format!("Basic {OLD}"),
            &format!("Bearer {NEW}"),
            &format!("Bearer {}", &OLD[1..]),
            &format!("Bearer {OLD}{OLD}"),
        ] {
            assert!(!accepts(&auth, text), "{text}");
        }
    }

    #[test]
    fn a_short_or_malformed_secret_is_refused() {
        for text in ["", "short", &format!("{OLD},"), &format!("{OLD} {OLD}")] {
            assert!(InternalAuth::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_setting_the_secret_is_derived_from_the_master_key() {
        let (one, other) = (Keyring::generate(), Keyring::generate());
        let of = |text: &str| InternalAuth::derived(&Keyring::parse(text).unwrap());
        let presented = |text: &str| of(text).header().unwrap().to_str().unwrap().to_owned();
        assert!(accepts(&of(&one), &presented(&one)));
        assert!(!accepts(&of(&one), &presented(&other)));
        let rotated = format!("{},2:{}", one, other.split_once(':').unwrap().1);
        assert!(accepts(&of(&rotated), &presented(&one)));
    }
}

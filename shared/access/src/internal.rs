//! Callers that are the platform itself: the relay, the scheduler, Google's services in their place.

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

/// Letters that a shared secret has at least.
const SHORTEST_SECRET: usize = 32;

/// How the platform proves to a function that it is the platform: by a bearer token that all processes share, or on Google
/// Cloud by the ID token of a service account.
#[derive(Clone, Debug)]
pub struct InternalAuth {
    /// The first is presented, each is accepted: two live during a rotation.
    secrets: Arc<[SecretString]>,
    /// Who may come with an ID token instead.
    accounts: Option<ServiceAccounts>,
}

/// The secret can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an internal secret has at least {SHORTEST_SECRET} letters, digits or - . _ ~ + / =")]
pub struct InternalSecretError;

impl InternalAuth {
    /// Reads `<secret>[,<secret>]`, the newest first.
    pub fn parse(text: &str) -> Result<Self, InternalSecretError> {
        let secrets: Vec<SecretString> = text
            .split(',')
            .map(str::trim)
            .map(SecretString::new)
            .collect();
        let usable = |secret: &SecretString| {
            let text = secret.expose();
            text.len() >= SHORTEST_SECRET
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

    /// The secret that everybody who has the master key knows anyway.
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

    /// The same, and these accounts besides.
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

    /// Whether these are the credentials. An error when that can't be found out now.
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

    /// Hashes are compared, so neither length nor content takes its own time.
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
        // Writing into a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The platform itself. It can only be made from a request that proved it.
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
        // Two credentials: which one counts must not be guessed.
        if presented.next().is_some() {
            return Err(unauthenticated());
        }
        let app = AppState::from_ref(state);
        let accepted = app.internal_auth().accepts(first, app.clock().now());
        match accepted.await {
            Ok(true) => Ok(Self(())),
            Ok(false) => Err(unauthenticated()),
            // Not 401: whoever knocks may be right, and comes again.
            Err(error) => {
                tracing::warn!(%error, "Google's keys can't be had");
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
    fn during_a_rotation_both_secrets_open_and_the_newest_is_presented() {
        let auth = InternalAuth::parse(&format!("{NEW}, {OLD}")).unwrap();
        assert_eq!(auth.header().unwrap(), format!("Bearer {NEW}").as_str());
        for secret in [OLD, NEW] {
            assert!(accepts(&auth, &format!("Bearer {secret}")));
            assert!(accepts(&auth, &format!("bearer {secret}")));
        }
    }

    #[test]
    fn nothing_else_opens() {
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
    fn a_short_or_odd_secret_is_refused_before_it_is_used() {
        for text in ["", "short", &format!("{OLD},"), &format!("{OLD} {OLD}")] {
            assert!(InternalAuth::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_setting_the_master_key_decides() {
        let (one, other) = (Keyring::generate(), Keyring::generate());
        let of = |text: &str| InternalAuth::derived(&Keyring::parse(text).unwrap());
        let presented = |text: &str| of(text).header().unwrap().to_str().unwrap().to_owned();
        assert!(accepts(&of(&one), &presented(&one)));
        assert!(!accepts(&of(&one), &presented(&other)));
        let rotated = format!("{},2:{}", one, other.split_once(':').unwrap().1);
        assert!(accepts(&of(&rotated), &presented(&one)));
    }
}

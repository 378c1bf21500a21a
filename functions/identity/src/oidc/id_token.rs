//! Validation of ID tokens (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725).

use access::opaque;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Deserializer};
use web::Email;

use super::OidcError;

/// Accepted signature algorithms.
pub(super) const ALGORITHMS: [Algorithm; 3] =
    [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
/// Allowed clock difference.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Maximum age of a token; tokens are fetched right after they were issued.
const MAX_TOKEN_AGE: TimeDelta = TimeDelta::minutes(10);

/// The values that a token must contain.
pub(super) struct Expected<'a> {
    pub(super) is_issuer: &'a dyn Fn(&str) -> bool,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: DateTime<Utc>,
}

/// A verified identity.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) subject: String,
    pub(crate) email: Option<Email>,
    /// Whether the provider has verified the email address.
    pub(crate) email_verified: bool,
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// The claims of an ID token.
#[derive(Clone, Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: String,
    email: Option<String>,
    #[serde(default, deserialize_with = "deserialize_bool")]
    email_verified: bool,
    given_name: Option<String>,
    family_name: Option<String>,
    name: Option<String>,
}

/// Apple sends the string `"true"`. Anything else that is not `true` is false.
fn deserialize_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value == true || value == "true")
}

/// Returns the identity, if the token was issued to us, for this sign-in, and is valid now. The signature has been verified.
pub(super) fn validate_claims(
    claims: Claims,
    expected: &Expected<'_>,
) -> Result<Identity, OidcError> {
    check(&claims, expected).map_err(OidcError::Refused)?;
    Ok(Identity {
        subject: claims.sub,
        email: claims.email.and_then(|email| Email::parse(&email).ok()),
        email_verified: claims.email_verified,
        given_name: claims.given_name,
        family_name: claims.family_name,
        name: claims.name,
    })
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), &'static str> {
    if !(expected.is_issuer)(&claims.iss) {
        return Err("the ID token has a different issuer");
    }
    let (for_us, several) = match &claims.aud {
        Audience::One(audience) => (audience == expected.client_id, false),
        Audience::Several(all) => (
            all.iter().any(|audience| audience == expected.client_id),
            all.len() != 1,
        ),
    };
    let authorized = match &claims.azp {
        Some(party) => party == expected.client_id,
        None => !several,
    };
    if !for_us || !authorized {
        return Err("the ID token has a different audience");
    }
    if !opaque::constant_time_eq(claims.nonce.as_bytes(), expected.nonce.as_bytes()) {
        return Err("the ID token belongs to a different sign-in");
    }
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0);
    let now = expected.now;
    // Compute with our own time, because adding to a time at the end of the calendar would overflow.
    let good = at(claims.exp).is_some_and(|exp| now - LEEWAY < exp)
        && at(claims.iat).is_some_and(|iat| now - MAX_TOKEN_AGE < iat && iat <= now + LEEWAY)
        && claims
            .nbf
            .is_none_or(|nbf| at(nbf).is_some_and(|nbf| nbf <= now + LEEWAY));
    if !good {
        return Err("the ID token has expired or is not valid yet");
    }
    // Core, section 2: at most 255 ASCII characters.
    let sane = (1..=255).contains(&claims.sub.len())
        && claims.sub.chars().all(|c| (' '..='~').contains(&c));
    if !sane {
        return Err("the ID token's subject is malformed");
    }
    Ok(())
}

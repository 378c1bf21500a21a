//! An issuer's word about a person, checked (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725).

use access::opaque;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Deserializer};
use web::Email;

use super::OidcError;

/// The algorithms that issuers of people sign with.
pub(super) const ALGORITHMS: [Algorithm; 3] =
    [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
/// What clocks of two organisations may differ by.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// A token is fetched the moment it is made.
const OLDEST: TimeDelta = TimeDelta::minutes(10);

/// What must stand in a token.
pub(super) struct Expected<'a> {
    pub(super) is_issuer: &'a dyn Fn(&str) -> bool,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: DateTime<Utc>,
}

/// Who somebody is at an issuer, after every check.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) subject: String,
    pub(crate) email: Option<Email>,
    /// Whether the issuer has proved the address.
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

/// What a token of an issuer says.
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
    #[serde(default, deserialize_with = "truth")]
    email_verified: bool,
    given_name: Option<String>,
    family_name: Option<String>,
    name: Option<String>,
}

/// Apple writes `"true"`. Anything else that is not plainly true is false.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value == true || value == "true")
}

/// Who the token is about, if it is for us, now, for this sign-in. Its signature has been checked.
pub(super) fn judge(claims: Claims, expected: &Expected<'_>) -> Result<Identity, OidcError> {
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
        return Err("the ID token is another issuer's");
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
        return Err("the ID token is for somebody else");
    }
    if !opaque::constant_time_eq(claims.nonce.as_bytes(), expected.nonce.as_bytes()) {
        return Err("the ID token is of another sign-in");
    }
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0);
    let now = expected.now;
    // Reckoned from our own time: a time at the end of the calendar can't be added to.
    let good = at(claims.exp).is_some_and(|exp| now - LEEWAY < exp)
        && at(claims.iat).is_some_and(|iat| now - OLDEST < iat && iat <= now + LEEWAY)
        && claims
            .nbf
            .is_none_or(|nbf| at(nbf).is_some_and(|nbf| nbf <= now + LEEWAY));
    if !good {
        return Err("the ID token is too old or not yet good");
    }
    // Core, section 2: at most 255 ASCII characters.
    let sane = (1..=255).contains(&claims.sub.len())
        && claims.sub.chars().all(|c| (' '..='~').contains(&c));
    if !sane {
        return Err("the ID token's subject is malformed");
    }
    Ok(())
}

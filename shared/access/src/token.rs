//! Access tokens: JWT (RFC 9068) signed with Ed25519, checked by every function alone.

use chrono::{DateTime, TimeDelta, Utc};
use ids::{SessionId, TenantId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::Assurance;

/// Whom every token is for.
pub const AUDIENCE: &str = "revalenz-api";
/// How long a token is good.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// How long any token is good at the most: one with which somebody looks at another's account.
pub const LONGEST_LIFETIME: TimeDelta = TimeDelta::minutes(60);
/// How long a key that signs no more is good for checking: as long as the last token that it signed, and a minute for processes
/// that still remember it as the one that signs.
pub const RETIRED_FOR: TimeDelta = TimeDelta::minutes(61);
/// What clocks of two machines may differ by.
const LEEWAY_SECONDS: i64 = 5;
/// Longest token that is looked at.
const LONGEST: usize = 4_096;

/// Who really acts with a token that shows somebody else's account (RFC 8693, 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActClaim {
    /// The user.
    pub sub: UserId,
    /// Their own tenant.
    pub tid: TenantId,
    /// Their own session: the token is good no longer than that one lives.
    pub sid: SessionId,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: the platform's public address.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The tenant.
    pub tid: TenantId,
    /// The session.
    pub sid: SessionId,
    /// The role's name, for the client's eyes: what it may do is looked up.
    pub role: String,
    /// How the user proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// What that amounts to.
    #[serde(default)]
    pub aal: Assurance,
    /// When the user last proved it, Unix seconds; zero in tokens that don't say.
    #[serde(default)]
    pub auth_time: i64,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Good until, Unix seconds.
    pub exp: i64,
    /// Unique.
    pub jti: String,
    /// Who really acts, if not the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActClaim>,
}

/// Signs tokens with one key.
#[derive(Clone)]
pub struct Signer {
    key_id: String,
    key: EncodingKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.key_id)
    }
}

impl Signer {
    /// With a private key in PKCS #8 (DER).
    pub fn new(key_id: impl Into<String>, pkcs8: &[u8]) -> Self {
        Self {
            key_id: key_id.into(),
            key: EncodingKey::from_ed_der(pkcs8),
        }
    }

    /// The signed token.
    pub fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.key)
    }
}

/// The key id that a token names, if its header is one of ours: `EdDSA`, `at+jwt`, nothing critical. `jku`, `jwk`, `x5u`
/// are never looked at: a token does not choose the key it is checked with (RFC 8725, 3.10).
pub(crate) fn key_id(token: &str) -> Option<String> {
    if token.len() > LONGEST {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    let typ = header.typ.as_deref().unwrap_or_default();
    let typed =
        typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt");
    (header.alg == Algorithm::EdDSA && typed && header.crit.is_none()).then_some(header.kid)?
}

/// What the token says, if `key` signed it for us and it is not used before or after its time.
pub(crate) fn verify(
    token: &str,
    key: &DecodingKey,
    issuer: &str,
    now: DateTime<Utc>,
) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The crate asks the machine's clock; ours is an argument, so the times are checked below.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = jsonwebtoken::decode::<CheckedClaims>(token, key, &validation)
        .ok()?
        .claims;
    let now = now.timestamp();
    let early = claims
        .nbf
        .is_some_and(|nbf| now < nbf.saturating_sub(LEEWAY_SECONDS))
        || now < claims.claims.iat.saturating_sub(LEEWAY_SECONDS);
    let late = now >= claims.claims.exp.saturating_add(LEEWAY_SECONDS);
    // Nobody of ours makes one that lives longer: whoever got hold of a key could make one for ever.
    let longest = if claims.claims.act.is_some() {
        LONGEST_LIFETIME
    } else {
        LIFETIME
    };
    let long = claims.claims.exp.saturating_sub(claims.claims.iat) > longest.num_seconds();
    (!early && !late && !long).then_some(claims.claims)
}

#[derive(Deserialize)]
struct CheckedClaims {
    nbf: Option<i64>,
    #[serde(flatten)]
    claims: Claims,
}

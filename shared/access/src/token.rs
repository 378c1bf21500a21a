//! Access tokens: JWT (RFC 9068) signed with Ed25519, verified by every function on its own.

use chrono::{DateTime, TimeDelta, Utc};
use ids::{SessionId, TenantId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::Assurance;

/// The `aud` claim of every token.
pub const AUDIENCE: &str = "revalenz-api";
/// Lifetime of a token.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// Maximum lifetime of any token: that of an impersonation token.
pub const MAX_LIFETIME: TimeDelta = TimeDelta::minutes(60);
/// How long a retired key still verifies tokens: the lifetime of the last token it signed, plus a minute for processes that
/// still have it cached as the signing key.
pub const RETIREMENT_PERIOD: TimeDelta = TimeDelta::minutes(61);
/// Allowed clock difference between machines.
const LEEWAY_SECONDS: i64 = 5;
/// Maximum length of a token in bytes.
const MAX_LENGTH: usize = 4_096;

/// The impersonator of an impersonation token (RFC 8693, 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActClaim {
    /// The user.
    pub sub: UserId,
    /// Their own tenant.
    pub tid: TenantId,
    /// Their own session; the token is only valid while that session is.
    pub sid: SessionId,
}

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer: the platform's public address.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The tenant.
    pub tid: TenantId,
    /// The session.
    pub sid: SessionId,
    /// The role's name, informational: permissions are looked up.
    pub role: String,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// The authenticator assurance level.
    #[serde(default)]
    pub aal: Assurance,
    /// When the user last authenticated, Unix seconds; zero if absent.
    #[serde(default)]
    pub auth_time: i64,
    /// When the token was issued, Unix seconds.
    pub iat: i64,
    /// When the token expires, Unix seconds.
    pub exp: i64,
    /// Unique id of the token.
    pub jti: String,
    /// The impersonator, if any.
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
    /// Creates a signer from a private key in PKCS #8 (DER).
    pub fn new(key_id: impl Into<String>, pkcs8: &[u8]) -> Self {
        Self {
            key_id: key_id.into(),
            key: EncodingKey::from_ed_der(pkcs8),
        }
    }

    /// Signs a token.
    pub fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.key)
    }
}

/// The key id of a token with a valid header: `EdDSA`, `at+jwt`, no critical parameters. `jku`, `jwk` and `x5u` are ignored:
/// a token must not choose the key it is verified with (RFC 8725, 3.10).
pub(crate) fn key_id(token: &str) -> Option<String> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    let typ = header.typ.as_deref().unwrap_or_default();
    let typed =
        typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt");
    (header.alg == Algorithm::EdDSA && typed && header.crit.is_none()).then_some(header.kid)?
}

/// Verifies a token: signature, issuer, audience and times.
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
    // The crate uses the system clock; time is an argument here, so times are checked below.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = jsonwebtoken::decode::<CheckedClaims>(token, key, &validation)
        .ok()?
        .claims;
    let now = now.timestamp();
    let is_early = claims
        .nbf
        .is_some_and(|nbf| now < nbf.saturating_sub(LEEWAY_SECONDS))
        || now < claims.claims.iat.saturating_sub(LEEWAY_SECONDS);
    let is_expired = now >= claims.claims.exp.saturating_add(LEEWAY_SECONDS);
    // Tokens with a longer lifetime are never issued; a stolen key must not allow them either.
    let max_lifetime = if claims.claims.act.is_some() {
        MAX_LIFETIME
    } else {
        LIFETIME
    };
    let is_too_long =
        claims.claims.exp.saturating_sub(claims.claims.iat) > max_lifetime.num_seconds();
    (!is_early && !is_expired && !is_too_long).then_some(claims.claims)
}

#[derive(Deserialize)]
struct CheckedClaims {
    nbf: Option<i64>,
    #[serde(flatten)]
    claims: Claims,
}

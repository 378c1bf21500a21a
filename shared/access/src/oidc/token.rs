//! Verification of tokens signed by an external issuer (RFC 8725).

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;

use super::OidcError;

/// Maximum length of a token in bytes.
const MAX_LENGTH: usize = 16_384;

/// The key that a token refers to, with an accepted algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyRef {
    pub(super) key_id: String,
    pub(super) algorithm: Algorithm,
}

/// The key that the token refers to. `jwk`, `jku` and `x5u` are ignored: a token must not choose the key it is verified with.
pub(super) fn key_ref(token: &str, algorithms: &[Algorithm]) -> Result<KeyRef, OidcError> {
    let refused = OidcError::Refused("the ID token's header is not acceptable");
    if token.len() > MAX_LENGTH {
        return Err(refused);
    }
    let Ok(header) = jsonwebtoken::decode_header(token) else {
        return Err(refused);
    };
    let has_valid_type = header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"));
    match header.kid {
        Some(key_id)
            if has_valid_type && algorithms.contains(&header.alg) && header.crit.is_none() =>
        {
            Ok(KeyRef {
                key_id,
                algorithm: header.alg,
            })
        }
        _ => Err(refused),
    }
}

/// Verifies the signature, and returns the claims.
pub(super) fn claims<C: DeserializeOwned + Clone>(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
) -> Result<C, OidcError> {
    let mut validation = Validation::new(algorithm);
    // The crate checks signature and algorithm; the caller checks the claims with its own clock.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<C>(token, key, &validation)
        .map(|verified| verified.claims)
        .map_err(|_| OidcError::Refused("the ID token's signature or format is invalid"))
}

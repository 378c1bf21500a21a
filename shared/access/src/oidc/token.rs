//! A token that somebody else signed: which key it names, and whether that key signed it (RFC 8725).

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;

use super::OidcError;

/// Longest token that is looked at.
const LONGEST: usize = 16_384;

/// The key that a token names, for one of the algorithms that we take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) key_id: String,
    pub(super) algorithm: Algorithm,
}

/// Which key the token names. `jwk`, `jku`, `x5u` are never looked at: a token does not choose the key it is checked with.
pub(super) fn named(token: &str, algorithms: &[Algorithm]) -> Result<Named, OidcError> {
    let refused = OidcError::Refused("the ID token's header is not one that we take");
    if token.len() > LONGEST {
        return Err(refused);
    }
    let Ok(header) = jsonwebtoken::decode_header(token) else {
        return Err(refused);
    };
    let typed = header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"));
    match header.kid {
        Some(key_id) if typed && algorithms.contains(&header.alg) && header.crit.is_none() => {
            Ok(Named {
                key_id,
                algorithm: header.alg,
            })
        }
        _ => Err(refused),
    }
}

/// What the token says, if `key` signed it.
pub(super) fn claims<C: DeserializeOwned + Clone>(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
) -> Result<C, OidcError> {
    let mut validation = Validation::new(algorithm);
    // Signature and algorithm are the crate's; the claims are checked by whoever asked, by our clock.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<C>(token, key, &validation)
        .map(|verified| verified.claims)
        .map_err(|_| OidcError::Refused("the ID token's signature or form is wrong"))
}

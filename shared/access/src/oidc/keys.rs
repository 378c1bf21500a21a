//! An issuer's public keys (RFC 7517).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{OidcError, fetch, token::KeyRef};

/// Maximum number of keys of an issuer.
const MAX_KEYS: usize = 100;

/// The signing keys of an issuer, each with the only algorithm that its type allows.
pub(super) struct Keys(Vec<(KeyRef, DecodingKey)>);

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Fetches the key set.
    pub(super) async fn fetch(http: &reqwest::Client, address: &Url) -> Result<Self, OidcError> {
        let set: JwkSet = fetch::json(http.get(address.clone()), fetch::MAX_KEY_SET_BYTES).await?;
        Ok(Self::from_jwks(set.keys))
    }

    /// Keys of other types and uses are skipped.
    fn from_jwks(keys: Vec<Value>) -> Self {
        Self(
            keys.into_iter()
                .take(MAX_KEYS)
                .filter_map(|key| read(serde_json::from_value(key).ok()?))
                .collect(),
        )
    }

    /// Finds the key with this id and algorithm.
    pub(super) fn find(&self, key_ref: &KeyRef) -> Option<&DecodingKey> {
        self.0
            .iter()
            .find(|(own, _)| own == key_ref)
            .map(|(_, key)| key)
    }
}

fn read(jwk: Jwk) -> Option<(KeyRef, DecodingKey)> {
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return None;
    }
    let (algorithm, name, key) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let key = DecodingKey::from_rsa_components(jwk.n.as_deref()?, jwk.e.as_deref()?);
            (Algorithm::RS256, "RS256", key.ok()?)
        }
        ("EC", Some("P-256")) => {
            let (x, y) = (
                coordinate(jwk.x.as_deref()?)?,
                coordinate(jwk.y.as_deref()?)?,
            );
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            (Algorithm::ES256, "ES256", DecodingKey::from_ec_der(&point))
        }
        ("OKP", Some("Ed25519")) => {
            let key = DecodingKey::from_ed_der(&coordinate(jwk.x.as_deref()?)?);
            (Algorithm::EdDSA, "EdDSA", key)
        }
        _ => return None,
    };
    if jwk.alg.is_some_and(|alg| alg != name) {
        return None;
    }
    let key_ref = KeyRef {
        key_id: jwk.kid,
        algorithm,
    };
    Some((key_ref, key))
}

fn coordinate(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_has_the_one_algorithm_of_its_type() {
        let x = URL_SAFE_NO_PAD.encode([7; 32]);
        let keys = Keys::from_jwks(vec![
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "good", "x": x}),
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "encrypts", "x": x, "use": "enc"}),
            json!({"kty": "OKP", "crv": "Ed448", "kid": "curve", "x": x}),
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "short", "x": "AAAA"}),
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "other", "x": x, "alg": "ES256"}),
            json!({"kty": "EC", "crv": "P-256", "kid": "half", "x": x}),
            json!({"kty": "oct", "kid": "secret", "k": x}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": x}),
            json!("no key"),
        ]);
        assert_eq!(keys.0.len(), 1);
        let key_ref = |key_id: &str, algorithm| KeyRef {
            key_id: key_id.to_owned(),
            algorithm,
        };
        assert!(keys.find(&key_ref("good", Algorithm::EdDSA)).is_some());
        assert!(keys.find(&key_ref("good", Algorithm::RS256)).is_none());
        assert!(keys.find(&key_ref("good", Algorithm::HS256)).is_none());
    }
}

//! Keys of all types that issuers use, also for forged tokens.

use std::sync::Arc;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key with its id.
#[derive(Clone, Debug)]
pub struct KeyPair {
    key_id: String,
    key: Arc<Key>,
}

#[derive(Debug)]
enum Key {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Hmac(Vec<u8>),
}

impl KeyPair {
    fn of(key_id: &str, key: Key) -> Self {
        Self {
            key_id: key_id.to_owned(),
            key: Arc::new(key),
        }
    }

    /// Signs with `EdDSA`.
    pub fn ed25519(key_id: &str) -> Self {
        Self::of(key_id, Key::Ed25519(Ed25519KeyPair::generate().unwrap()))
    }

    /// Signs with `ES256`.
    pub fn p256(key_id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self::of(key_id, Key::P256(pair))
    }

    /// Signs with `RS256`.
    pub fn rsa(key_id: &str) -> Self {
        Self::of(
            key_id,
            Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        )
    }

    /// Signs with `HS256`, to test algorithm confusion with a public key as the secret.
    pub fn hmac(key_id: &str, secret: &[u8]) -> Self {
        Self::of(key_id, Key::Hmac(secret.to_vec()))
    }

    /// The same key with another id.
    pub fn with_id(&self, key_id: &str) -> Self {
        Self {
            key_id: key_id.to_owned(),
            key: self.key.clone(),
        }
    }

    /// The key id.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The name of the algorithm.
    pub fn algorithm(&self) -> &'static str {
        match &*self.key {
            Key::Ed25519(_) => "EdDSA",
            Key::P256(_) => "ES256",
            Key::Rsa(_) => "RS256",
            Key::Hmac(_) => "HS256",
        }
    }

    /// The public key: 32 bytes for Ed25519, 65 for P-256, the modulus for RSA.
    pub fn public_key(&self) -> Vec<u8> {
        match &*self.key {
            Key::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Key::P256(pair) => pair.public_key().as_ref().to_vec(),
            Key::Rsa(pair) => pair
                .public_key()
                .modulus()
                .big_endian_without_leading_zero()
                .to_vec(),
            Key::Hmac(_) => Vec::new(),
        }
    }

    /// The private key in PKCS #8, for elliptic curve keys.
    pub fn to_pkcs8(&self) -> Vec<u8> {
        match &*self.key {
            Key::Ed25519(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Key::P256(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Key::Rsa(_) | Key::Hmac(_) => Vec::new(),
        }
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &*self.key {
            Key::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Key::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .unwrap()
                .as_ref()
                .to_vec(),
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .unwrap();
                signature
            }
            Key::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
        }
    }

    /// The public key as a JWK.
    pub fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = self.public_key();
        let mut jwk = match &*self.key {
            Key::Ed25519(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&public)}),
            Key::P256(_) => {
                json!({"kty": "EC", "crv": "P-256", "x": encode(&public[1..33]), "y": encode(&public[33..])})
            }
            Key::Rsa(pair) => {
                let exponent = pair.public_key().exponent();
                json!({"kty": "RSA", "n": encode(&public), "e": encode(exponent.big_endian_without_leading_zero())})
            }
            Key::Hmac(_) => return json!({}),
        };
        jwk["kid"] = json!(self.key_id);
        jwk["alg"] = json!(self.algorithm());
        jwk["use"] = json!("sig");
        jwk
    }
}

/// Builds a token from any header and claims.
pub fn join(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

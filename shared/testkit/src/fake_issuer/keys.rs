//! Keys of every kind that issuers use, and what strangers make of them.

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

/// A key with its name.
#[derive(Clone, Debug)]
pub struct KeyPair {
    key_id: String,
    kind: Arc<Kind>,
}

#[derive(Debug)]
enum Kind {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Hmac(Vec<u8>),
}

impl KeyPair {
    fn of(key_id: &str, kind: Kind) -> Self {
        Self {
            key_id: key_id.to_owned(),
            kind: Arc::new(kind),
        }
    }

    /// Signs with `EdDSA`.
    pub fn ed25519(key_id: &str) -> Self {
        Self::of(key_id, Kind::Ed25519(Ed25519KeyPair::generate().unwrap()))
    }

    /// Signs with `ES256`.
    pub fn p256(key_id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self::of(key_id, Kind::P256(pair))
    }

    /// Signs with `RS256`.
    pub fn rsa(key_id: &str) -> Self {
        Self::of(
            key_id,
            Kind::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        )
    }

    /// Signs with `HS256`: for those who take a public key for a secret.
    pub fn hmac(key_id: &str, secret: &[u8]) -> Self {
        Self::of(key_id, Kind::Hmac(secret.to_vec()))
    }

    /// The same key under another name.
    pub fn named(&self, key_id: &str) -> Self {
        Self {
            key_id: key_id.to_owned(),
            kind: self.kind.clone(),
        }
    }

    /// Its name.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The algorithm's word.
    pub fn algorithm(&self) -> &'static str {
        match &*self.kind {
            Kind::Ed25519(_) => "EdDSA",
            Kind::P256(_) => "ES256",
            Kind::Rsa(_) => "RS256",
            Kind::Hmac(_) => "HS256",
        }
    }

    /// The public half: 32 bytes of Ed25519, 65 of P-256, the modulus of RSA.
    pub fn public_key(&self) -> Vec<u8> {
        match &*self.kind {
            Kind::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Kind::P256(pair) => pair.public_key().as_ref().to_vec(),
            Kind::Rsa(pair) => pair
                .public_key()
                .modulus()
                .big_endian_without_leading_zero()
                .to_vec(),
            Kind::Hmac(_) => Vec::new(),
        }
    }

    /// The private half in PKCS #8, of keys on curves.
    pub fn to_pkcs8(&self) -> Vec<u8> {
        match &*self.kind {
            Kind::Ed25519(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Kind::P256(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Kind::Rsa(_) | Kind::Hmac(_) => Vec::new(),
        }
    }

    /// A signature.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &*self.kind {
            Kind::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Kind::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .unwrap()
                .as_ref()
                .to_vec(),
            Kind::Rsa(pair) => {
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
            Kind::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
        }
    }

    /// The public half as a JWK.
    pub fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = self.public_key();
        let mut jwk = match &*self.kind {
            Kind::Ed25519(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&public)}),
            Kind::P256(_) => {
                json!({"kty": "EC", "crv": "P-256", "x": encode(&public[1..33]), "y": encode(&public[33..])})
            }
            Kind::Rsa(pair) => {
                let exponent = pair.public_key().exponent();
                json!({"kty": "RSA", "n": encode(&public), "e": encode(exponent.big_endian_without_leading_zero())})
            }
            Kind::Hmac(_) => return json!({}),
        };
        jwk["kid"] = json!(self.key_id);
        jwk["alg"] = json!(self.algorithm());
        jwk["use"] = json!("sig");
        jwk
    }
}

/// A token of any header and claims.
pub fn join(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

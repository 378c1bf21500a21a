//! The service account and its key.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use axum::http::{HeaderMap, header};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// The email address of the account.
pub(super) const EMAIL: &str = "files@revalenz-test.iam.gserviceaccount.com";

#[derive(Debug)]
pub(super) struct Account {
    pair: RsaKeyPair,
}

impl Account {
    pub(super) fn new() -> Self {
        Self {
            pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    /// The service account key file, in Google's format.
    pub(super) fn key(&self) -> Value {
        let der: Pkcs8V1Der<'static> = self.pair.as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        let label = "PRIVATE KEY";
        let pem = format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            lines.join("\n")
        );
        json!({
            "type": "service_account", "project_id": "revalenz-test", "private_key_id": "1", "private_key": pem,
            "client_email": EMAIL, "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token",
        })
    }

    /// Whether the signature is by this account.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let public = self.pair.public_key().as_ref();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(message, signature)
            .is_ok()
    }

    /// Whether the request has a valid self-signed token of this account (AIP-4111).
    pub(super) fn has_sent(&self, headers: &HeaderMap, now: DateTime<Utc>) -> bool {
        self.claims(headers).is_some_and(|claims| {
            let time = |name: &str| claims[name].as_i64().unwrap_or_default();
            let is_ours = claims["iss"] == EMAIL && claims["sub"] == EMAIL;
            is_ours && (time("iat")..time("exp")).contains(&now.timestamp())
        })
    }

    fn claims(&self, headers: &HeaderMap) -> Option<Value> {
        let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = header.strip_prefix("Bearer ")?;
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        self.has_signed(signed.as_bytes(), &signature)
            .then(|| serde_json::from_slice(&claims).ok())?
    }
}

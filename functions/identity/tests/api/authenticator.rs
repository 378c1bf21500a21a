//! A software authenticator with real keys and signatures.

use access::opaque::{random, sha256};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value as Cbor;
use serde_json::{Value, json};

/// The page that uses the authenticator.
pub(crate) const PAGE: &str = testkit::PUBLIC_URL;
const HOST: &str = "api.revalenz.example";

enum Key {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Ed25519KeyPair),
    Rs256(Box<RsaKeyPair>),
}

/// An authenticator with one passkey, which can be made to respond incorrectly.
pub(crate) struct Authenticator {
    key: Key,
    pub(crate) credential_id: Vec<u8>,
    pub(crate) counter: u32,
    pub(crate) user_handle: Vec<u8>,
    /// User present and verified.
    pub(crate) flags: u8,
    pub(crate) page: String,
    pub(crate) host: String,
    pub(crate) kind: Option<&'static str>,
    pub(crate) cross_origin: bool,
}

pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn number(number: i64) -> Cbor {
    Cbor::Integer(number.into())
}

impl Authenticator {
    /// Creates an authenticator with a key of this COSE algorithm.
    pub(crate) fn new(algorithm: i64) -> Self {
        let key = match algorithm {
            -7 => Key::Es256(Box::new(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            )),
            -8 => Key::EdDsa(Ed25519KeyPair::generate().unwrap()),
            _ => Key::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())),
        };
        Self {
            key,
            credential_id: random::<32>().to_vec(),
            counter: 0,
            user_handle: Vec::new(),
            flags: 0b101,
            page: PAGE.to_owned(),
            host: HOST.to_owned(),
            kind: None,
            cross_origin: false,
        }
    }

    fn cose(&self) -> Vec<u8> {
        let members = match &self.key {
            Key::Es256(pair) => {
                let point = pair.public_key().as_ref().to_vec();
                vec![
                    (number(1), number(2)),
                    (number(3), number(-7)),
                    (number(-1), number(1)),
                    (number(-2), Cbor::Bytes(point[1..33].to_vec())),
                    (number(-3), Cbor::Bytes(point[33..].to_vec())),
                ]
            }
            Key::EdDsa(pair) => vec![
                (number(1), number(1)),
                (number(3), number(-8)),
                (number(-1), number(6)),
                (number(-2), Cbor::Bytes(pair.public_key().as_ref().to_vec())),
            ],
            Key::Rs256(pair) => {
                let public: RsaPublicKeyComponents<Vec<u8>> = pair.public_key().into();
                vec![
                    (number(1), number(3)),
                    (number(3), number(-257)),
                    (number(-1), Cbor::Bytes(public.n)),
                    (number(-2), Cbor::Bytes(public.e)),
                ]
            }
        };
        let mut bytes = Vec::new();
        ciborium::into_writer(&Cbor::Map(members), &mut bytes).unwrap();
        bytes
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let chance = SystemRandom::new();
        match &self.key {
            Key::Es256(pair) => pair.sign(&chance, message).unwrap().as_ref().to_vec(),
            Key::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Key::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &chance, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let data = json!({
            "type": self.kind.unwrap_or(kind), "challenge": challenge, "origin": self.page,
            "crossOrigin": self.cross_origin, "other_keys_can_be_added_here": "do not compare",
        });
        data.to_string().into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = sha256(self.host.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// Creates the passkey according to the options.
    pub(crate) fn create(&mut self, options: &Value) -> Value {
        let asked = &options["public_key"];
        self.user_handle = URL_SAFE_NO_PAD
            .decode(asked["user"]["id"].as_str().unwrap())
            .unwrap();
        let mut data = self.data(self.flags | 0b0100_0000);
        data.extend([0; 16]);
        data.extend(
            u16::try_from(self.credential_id.len())
                .unwrap()
                .to_be_bytes(),
        );
        data.extend(&self.credential_id);
        data.extend(self.cose());
        let object = Cbor::Map(vec![
            (Cbor::Text("fmt".into()), Cbor::Text("none".into())),
            (Cbor::Text("attStmt".into()), Cbor::Map(Vec::new())),
            (Cbor::Text("authData".into()), Cbor::Bytes(data)),
        ]);
        let mut attestation = Vec::new();
        ciborium::into_writer(&object, &mut attestation).unwrap();
        let client_data = self.client_data("webauthn.create", &asked["challenge"]);
        json!({"name": "Telephone", "client_data_json": text(&client_data), "attestation_object": text(&attestation)})
    }

    /// Signs the challenge of the options.
    pub(crate) fn get(&mut self, asked: &Value) -> Value {
        self.counter += 1;
        let client_data = self.client_data("webauthn.get", &asked["challenge"]);
        let data = self.data(self.flags);
        let signature = self.sign(&[data.as_slice(), &sha256(&client_data)].concat());
        json!({
            "credential_id": text(&self.credential_id), "client_data_json": text(&client_data),
            "authenticator_data": text(&data), "signature": text(&signature),
            "user_handle": text(&self.user_handle),
        })
    }
}

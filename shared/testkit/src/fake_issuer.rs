//! An OpenID Connect issuer over real HTTP on the loopback interface, with its own keys, that can be made to misbehave.
//!
//! [`FakeIssuer::sign`] signs any claims, for example those of Google's push tokens.

mod keys;
mod pages;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use web::Clock;

pub use keys::{KeyPair, join};

/// The only client of the issuer.
pub const CLIENT_ID: &str = "revalenz-test";
/// The client's secret.
pub const CLIENT_SECRET: &str = "test secret with spaces & signs";

/// Modifications of the tokens that the issuer signs.
#[derive(Clone, Debug, Default)]
pub struct Tampering {
    /// Members merged into the claims; null removes one.
    pub claims: Value,
    /// Members merged into the header; null removes one.
    pub header: Value,
    /// A key to use instead of the current one.
    pub key: Option<KeyPair>,
    /// Bytes to use instead of the signature.
    pub signature: Option<Vec<u8>>,
}

/// How the key set is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySet {
    /// Normally.
    #[default]
    Good,
    /// With megabytes of padding.
    Huge,
    /// Never completed.
    Slow,
    /// With a server error.
    Broken,
    /// Redirected to another URL.
    Moved,
}

/// An issued authorization code.
#[derive(Clone, Debug)]
struct Grant {
    redirect_uri: String,
    challenge: String,
    claims: Value,
}

#[derive(Debug)]
struct State {
    clock: Clock,
    url: String,
    keys: Vec<KeyPair>,
    person: Value,
    tampering: Tampering,
    key_set: KeySet,
    /// Whether discovery requires `client_secret_post`.
    secret_in_form: bool,
    /// The public key of a client that signs its secret, as required by Apple.
    apple: Option<Vec<u8>>,
    grants: BTreeMap<String, Grant>,
    requests: BTreeMap<String, usize>,
    metadata: Value,
}

/// A running issuer; stops with the test's runtime.
#[derive(Clone, Debug)]
pub struct FakeIssuer {
    state: Arc<Mutex<State>>,
}

impl FakeIssuer {
    /// Starts an issuer on a free port. Its user is Ada, with a verified email address.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            clock: Clock::fixed_at(crate::TEST_EPOCH.parse().unwrap()),
            url,
            keys: vec![KeyPair::ed25519("first")],
            person: json!({
                "sub": "ada-1", "email": "Ada@Example.org", "email_verified": true,
                "given_name": "Ada", "family_name": "Lovelace", "name": "Ada Lovelace",
            }),
            tampering: Tampering::default(),
            key_set: KeySet::Good,
            secret_in_form: false,
            apple: None,
            grants: BTreeMap::new(),
            requests: BTreeMap::new(),
            metadata: json!({}),
        };
        let issuer = Self {
            state: Arc::new(Mutex::new(state)),
        };
        let router = pages::router(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Uses the clock of a test app.
    pub fn use_clock(&self, clock: &Clock) -> &Self {
        self.state().clock = clock.clone();
        self
    }

    /// The URL of the issuer.
    pub fn url(&self) -> String {
        self.state().url.clone()
    }

    /// Merges members into the claims of the next user; null removes one.
    pub fn person(&self, members: Value) -> &Self {
        merge(&mut self.state().person, &members);
        self
    }

    /// Modifies the tokens signed from now on.
    pub fn tamper(&self, tampering: Tampering) -> &Self {
        self.state().tampering = tampering;
        self
    }

    /// Sets how the key set is served.
    pub fn serve_keys(&self, key_set: KeySet) -> &Self {
        self.state().key_set = key_set;
        self
    }

    /// Merges members into the metadata; null removes one.
    pub fn metadata(&self, members: Value) -> &Self {
        self.state().metadata = members;
        self
    }

    /// Requires the client secret in the form.
    pub fn accept_secret_in_form(&self) -> &Self {
        self.state().secret_in_form = true;
        self
    }

    /// Requires a client secret signed by this key (P-256, 65 bytes), as Apple does.
    pub fn accept_apple_secret(&self, public_key: &[u8]) -> &Self {
        self.state().apple = Some(public_key.to_vec());
        self
    }

    /// Replaces the published key set by this key, and signs with it.
    pub fn rotate(&self, key: KeyPair) -> &Self {
        self.state().keys = vec![key];
        self
    }

    /// Number of requests for a path.
    pub fn request_count(&self, path: &str) -> usize {
        self.state().requests.get(path).copied().unwrap_or_default()
    }

    /// A token with exactly these claims, signed with the current key.
    pub fn sign(&self, claims: &Value) -> String {
        let state = self.state();
        state.signed(claims.clone())
    }
}

impl State {
    fn signed(&self, mut claims: Value) -> String {
        let key = self.tampering.key.as_ref().unwrap_or(&self.keys[0]);
        let mut header = json!({"alg": key.algorithm(), "kid": key.key_id(), "typ": "JWT"});
        merge(&mut header, &self.tampering.header);
        merge(&mut claims, &self.tampering.claims);
        join(&header, &claims, |message| {
            match &self.tampering.signature {
                Some(signature) => signature.clone(),
                None => key.sign(message),
            }
        })
    }

    /// The ID token claims of the user for this sign-in.
    fn claims(&self, nonce: &str) -> Value {
        let now = self.clock.now().timestamp();
        let mut claims = json!({
            "iss": self.url, "aud": CLIENT_ID, "nonce": nonce, "iat": now, "exp": now + 300,
        });
        merge(&mut claims, &self.person);
        claims
    }
}

/// A merge patch (RFC 7396), one level deep.
fn merge(target: &mut Value, members: &Value) {
    let (Some(target), Some(members)) = (target.as_object_mut(), members.as_object()) else {
        return;
    };
    for (name, value) in members {
        if value.is_null() {
            target.remove(name);
        } else {
            target.insert(name.clone(), value.clone());
        }
    }
}

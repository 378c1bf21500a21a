//! An issuer of identities as there are many outside: OpenID Connect over real HTTP on this machine, with keys of its own, that
//! can be told to misbehave.
//!
//! [`FakeIssuer::sign`] signs any claims: for Google's tokens on pushes and for everything else that comes from an issuer.

mod keys;
mod pages;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use web::Clock;

pub use keys::{KeyPair, join};

/// The one client that the issuer knows.
pub const CLIENT_ID: &str = "revalenz-test";
/// Its secret.
pub const CLIENT_SECRET: &str = "test secret with spaces & signs";

/// How the issuer bends what it signs.
#[derive(Clone, Debug, Default)]
pub struct Tampering {
    /// Members that replace those of the claims; null takes one away.
    pub claims: Value,
    /// Members that replace those of the header; null takes one away.
    pub header: Value,
    /// The key instead of the one in use.
    pub key: Option<KeyPair>,
    /// Bytes instead of the signature.
    pub signature: Option<Vec<u8>>,
}

/// How the key set is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySet {
    /// As it should be.
    #[default]
    Good,
    /// With megabytes behind it.
    Huge,
    /// Never to the end.
    Slow,
    /// With a server error.
    Broken,
    /// Elsewhere, as a redirect says.
    Moved,
}

/// What the issuer remembers of a person who agreed.
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
    bend: Tampering,
    key_set: KeySet,
    /// Whether discovery says that the secret goes into the form.
    secret_in_form: bool,
    /// The public half of the key with which the client signs its secret, as Apple wants it.
    apple: Option<Vec<u8>>,
    grants: BTreeMap<String, Grant>,
    asked: BTreeMap<String, usize>,
    metadata: Value,
}

/// A running issuer; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub struct FakeIssuer {
    state: Arc<Mutex<State>>,
}

impl FakeIssuer {
    /// Starts one on a free port. Its person is Ada, whose address it has verified.
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
            bend: Tampering::default(),
            key_set: KeySet::Good,
            secret_in_form: false,
            apple: None,
            grants: BTreeMap::new(),
            asked: BTreeMap::new(),
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

    /// Lives in the time of a stage from now on.
    pub fn follow(&self, clock: &Clock) -> &Self {
        self.state().clock = clock.clone();
        self
    }

    /// Its name and address.
    pub fn url(&self) -> String {
        self.state().url.clone()
    }

    /// Changes members of the person who signs in next; null takes one away.
    pub fn person(&self, members: Value) -> &Self {
        merge(&mut self.state().person, &members);
        self
    }

    /// Bends what is signed from now on.
    pub fn tamper(&self, bend: Tampering) -> &Self {
        self.state().bend = bend;
        self
    }

    /// Serves the key set in this way.
    pub fn serve_keys(&self, key_set: KeySet) -> &Self {
        self.state().key_set = key_set;
        self
    }

    /// Changes members of the metadata; null takes one away.
    pub fn metadata(&self, members: Value) -> &Self {
        self.state().metadata = members;
        self
    }

    /// Wants the client's secret in the form.
    pub fn accept_secret_in_form(&self) -> &Self {
        self.state().secret_in_form = true;
        self
    }

    /// Wants a client secret signed by this key (P-256, 65 bytes), as Apple does.
    pub fn accept_apple_secret(&self, public_key: &[u8]) -> &Self {
        self.state().apple = Some(public_key.to_vec());
        self
    }

    /// Signs with this key from now on, and publishes it alone.
    pub fn rotate(&self, key: KeyPair) -> &Self {
        self.state().keys = vec![key];
        self
    }

    /// How often a page was asked for.
    pub fn request_count(&self, path: &str) -> usize {
        self.state().asked.get(path).copied().unwrap_or_default()
    }

    /// A token with these claims and no others, by the key in use.
    pub fn sign(&self, claims: &Value) -> String {
        let state = self.state();
        state.signed(claims.clone())
    }
}

impl State {
    fn signed(&self, mut claims: Value) -> String {
        let key = self.bend.key.as_ref().unwrap_or(&self.keys[0]);
        let mut header = json!({"alg": key.algorithm(), "kid": key.key_id(), "typ": "JWT"});
        merge(&mut header, &self.bend.header);
        merge(&mut claims, &self.bend.claims);
        join(&header, &claims, |message| match &self.bend.signature {
            Some(signature) => signature.clone(),
            None => key.sign(message),
        })
    }

    /// The claims of a token about the person, for this sign-in.
    fn claims(&self, nonce: &str) -> Value {
        let now = self.clock.now().timestamp();
        let mut claims = json!({
            "iss": self.url, "aud": CLIENT_ID, "nonce": nonce, "iat": now, "exp": now + 300,
        });
        merge(&mut claims, &self.person);
        claims
    }
}

/// RFC 7396, one level deep.
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

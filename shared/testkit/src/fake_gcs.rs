//! What stands in for Google Cloud Storage: one bucket in memory, behind what Google's client speaks. By the JSON interface
//! bytes go and come (in one request, or in a session that is resumed), objects are looked up, listed and removed; addresses
//! that were signed (V4) are served as the XML interface does.
//!
//! It believes nobody: every call needs a token that the service account of the test has signed, and every address is
//! put together and checked anew, by the public half of that account's key.
//!
//! What it can't prove: that Google reads the documents as we do; its permissions, quotas, retention and encryption; that
//! an object is durable; what signing costs where it is Google that signs (IAM `signBlob`); HTTPS.

mod account;
mod bytes;
mod catalogue;
mod signed;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use self::account::Account;

/// A running stand-in; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub struct FakeGcs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: String,
    account: Account,
    state: Mutex<Bucket>,
    /// Numbers of requests.
    asked: AtomicU64,
}

/// What there is.
#[derive(Debug, Default)]
struct Bucket {
    objects: BTreeMap<String, Object>,
    /// Uploads that are not ended: the object's name, and what has come.
    sessions: BTreeMap<String, (String, Vec<u8>)>,
    generations: i64,
    /// How much later than now it is.
    ahead: TimeDelta,
    /// Whether nobody is served.
    away: bool,
    /// Of so many requests one goes wrong; 0: none.
    stumbles: u64,
    /// Objects on a page of a list.
    page: usize,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    generation: i64,
}

impl FakeGcs {
    /// The name of its bucket.
    pub const BUCKET: &str = "files";

    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            inner: Arc::new(Inner {
                address: format!("http://{}", listener.local_addr().unwrap()),
                account: Account::new(),
                state: Mutex::new(Bucket {
                    page: 1_000,
                    ..Bucket::default()
                }),
                asked: AtomicU64::new(0),
            }),
        };
        let own = Router::new()
            .route(
                "/upload/storage/v1/b/{bucket}/o",
                post(bytes::begin).put(bytes::go_on),
            )
            .route("/storage/v1/b/{bucket}/o", get(catalogue::list))
            .route(
                "/storage/v1/b/{bucket}/o/{object}",
                get(catalogue::get).delete(catalogue::delete),
            );
        let router = Router::new()
            .merge(own)
            .route("/{bucket}/{*object}", any(signed::serve))
            .layer(from_fn_with_state(fake.clone(), fail_every))
            .layer(DefaultBodyLimit::disable())
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.inner.address
    }

    /// The key of the account that it knows, as Google gives keys out.
    pub fn account(&self) -> Value {
        self.inner.account.key()
    }

    /// Serves nobody while it is away, and says so.
    pub fn set_unavailable(&self, away: bool) {
        self.state().away = away;
    }

    /// Of so many requests one goes wrong from now on: it is refused, or what it reads breaks off.
    pub fn fail_every(&self, of: u64) {
        self.state().stumbles = of;
    }

    /// Gives so many objects on a page of a list.
    pub fn page(&self, objects: usize) {
        self.state().page = objects;
    }

    /// It is so much later now.
    pub fn wait(&self, time: TimeDelta) {
        self.state().ahead += time;
    }

    /// Uploads that were begun and not ended.
    pub fn sessions(&self) -> usize {
        self.state().sessions.len()
    }

    fn state(&self) -> MutexGuard<'_, Bucket> {
        self.inner.state.lock().unwrap()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a store outside of us has a clock of its own"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.state().ahead
    }

    fn object(&self, name: &str) -> Option<Object> {
        self.state().objects.get(name).cloned()
    }

    fn store(&self, name: &str, bytes: Bytes) -> Object {
        let mut state = self.state();
        state.generations += 1;
        let object = Object {
            bytes,
            generation: state.generations,
        };
        state.objects.insert(name.to_owned(), object.clone());
        object
    }
}

/// Something that is going to go wrong halfway.
#[derive(Clone, Copy, Debug)]
struct BreakOff;

async fn fail_every(State(fake): State<FakeGcs>, mut request: Request, next: Next) -> Response {
    let (away, stumbles) = {
        let state = fake.state();
        (state.away, state.stumbles)
    };
    let number = fake.inner.asked.fetch_add(1, Ordering::SeqCst);
    let falls = stumbles > 0 && number % stumbles == stumbles - 1;
    let is_read = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("alt=media"));
    if falls && is_read {
        request.extensions_mut().insert(BreakOff);
    } else if away || falls {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

//! An emulator of Google Cloud Storage with one bucket in memory. Supports the JSON API as used by Google's client (single and
//! resumable uploads, downloads, metadata, listing, deletion) and signed URLs (V4) of the XML API.
//!
//! Every call requires a token signed by the test's service account, and signed URLs are verified with the account's public key.
//!
//! Not covered: differences between Google's documentation and behaviour; permissions, quotas, retention and encryption;
//! durability; remote signing (IAM `signBlob`); HTTPS.

mod account;
mod media;
mod objects;
mod request;
mod signed_url;

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

/// A running emulator; stops with the test's runtime.
#[derive(Clone, Debug)]
pub struct FakeGcs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: String,
    account: Account,
    state: Mutex<Bucket>,
    /// Number of requests.
    requests: AtomicU64,
}

/// The contents and behaviour of the bucket.
#[derive(Debug, Default)]
struct Bucket {
    objects: BTreeMap<String, Object>,
    /// Incomplete uploads: the object's name and the received bytes.
    sessions: BTreeMap<String, (String, Vec<u8>)>,
    generations: i64,
    /// Offset of the emulator's clock.
    clock_offset: TimeDelta,
    /// Whether all requests fail.
    is_unavailable: bool,
    /// Every n-th request fails; 0 for none.
    failure_interval: u64,
    /// Page size of listings.
    page_size: usize,
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
                    page_size: 1_000,
                    ..Bucket::default()
                }),
                requests: AtomicU64::new(0),
            }),
        };
        let own = Router::new()
            .route(
                "/upload/storage/v1/b/{bucket}/o",
                post(media::start_upload).put(media::continue_upload),
            )
            .route("/storage/v1/b/{bucket}/o", get(objects::list))
            .route(
                "/storage/v1/b/{bucket}/o/{object}",
                get(objects::get).delete(objects::delete),
            );
        let router = Router::new()
            .merge(own)
            .route("/{bucket}/{*object}", any(signed_url::serve))
            .layer(from_fn_with_state(fake.clone(), inject_failures))
            .layer(DefaultBodyLimit::disable())
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// The URL.
    pub fn address(&self) -> &str {
        &self.inner.address
    }

    /// The service account key, in Google's format.
    pub fn account(&self) -> Value {
        self.inner.account.key()
    }

    /// Makes all requests fail with `503`.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.state().is_unavailable = unavailable;
    }

    /// Makes every n-th request fail: with `503`, or for downloads in the middle of the body.
    pub fn fail_every(&self, n: u64) {
        self.state().failure_interval = n;
    }

    /// Sets the page size of listings.
    pub fn set_page_size(&self, objects: usize) {
        self.state().page_size = objects;
    }

    /// Advances the emulator's clock.
    pub fn advance_clock(&self, time: TimeDelta) {
        self.state().clock_offset += time;
    }

    /// Number of incomplete uploads.
    pub fn open_sessions(&self) -> usize {
        self.state().sessions.len()
    }

    fn state(&self) -> MutexGuard<'_, Bucket> {
        self.inner.state.lock().unwrap()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an external store has its own clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.state().clock_offset
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

/// Marks a request whose response body is aborted.
#[derive(Clone, Copy, Debug)]
struct AbortResponse;

async fn inject_failures(
    State(fake): State<FakeGcs>,
    mut request: Request,
    next: Next,
) -> Response {
    let (is_unavailable, failure_interval) = {
        let state = fake.state();
        (state.is_unavailable, state.failure_interval)
    };
    let number = fake.inner.requests.fetch_add(1, Ordering::SeqCst);
    let fails = failure_interval > 0 && number % failure_interval == failure_interval - 1;
    let is_read = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("alt=media"));
    if fails && is_read {
        request.extensions_mut().insert(AbortResponse);
    } else if is_unavailable || fails {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

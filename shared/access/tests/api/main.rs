//! Authentication, limits and quotas over HTTP with a real database.
#![expect(
    clippy::unwrap_used,
    reason = "test code: a broken expectation is the answer"
)]

mod credentials;
mod in_flight;
mod quotas;
mod rate_limits;

use access::{Anyone, AppState, Caller};
use axum::{Router, routing::get};
use db::Db;
use tokio::sync::Semaphore;
use web::Service;

/// A function that responds at once (`/shelf`), or when released (`/shelf/slow`).
#[derive(Clone)]
struct Shelf {
    state: AppState,
}

impl axum::extract::FromRef<Shelf> for AppState {
    fn from_ref(shelf: &Shelf) -> Self {
        shelf.state.clone()
    }
}

/// A call of `/shelf/slow` adds a permit to the first semaphore when it starts to wait, and continues with a permit of the
/// second. There is one pair per process, so only one test uses it.
static WAITING: Semaphore = Semaphore::const_new(0);
static LET_GO: Semaphore = Semaphore::const_new(0);

fn shelf(_db: Db, state: AppState) -> Service {
    let api = Router::new()
        .route("/shelf", get(read))
        .route("/shelf/slow", get(wait))
        .route("/shelf/free", get(async || "free"))
        .route("/shelf/unhurried", get(unhurried))
        .route("/shelf/twice", get(read_twice))
        .with_state(Shelf { state });
    Service {
        name: "shelf",
        about: "for tests",
        api,
        root: Router::new(),
        internal: Router::new(),
        document: utoipa::openapi::OpenApi::default(),
    }
}

async fn read(_caller: Caller<Anyone>) -> &'static str {
    "read"
}

async fn read_twice(_caller: Caller<Anyone>, _again: Caller<Anyone>) -> &'static str {
    "read"
}

/// A public route that never responds. It adds a permit when it starts.
static UNHURRIED: Semaphore = Semaphore::const_new(0);

async fn unhurried() -> &'static str {
    UNHURRIED.add_permits(1);
    std::future::pending().await
}

async fn wait(_caller: Caller<Anyone>) -> &'static str {
    WAITING.add_permits(1);
    if let Ok(permit) = LET_GO.acquire().await {
        permit.forget();
    }
    "done"
}

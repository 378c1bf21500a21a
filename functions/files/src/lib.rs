//! Documents and pictures of every other context: how their bytes come in, who may read them, and what keeps them safe.
//!
//! The bytes of an upload land as parts, however they come: as a form, in pieces over several connections (tus), or straight
//! into the store. One pass then checks, hashes, scans and copies them to their own place ([`processing`]); only what came out
//! of it clean is ever given to anybody.

pub mod config;
mod consumers;
mod domain;
mod erasure;
pub mod error;
pub mod events;
mod http;
pub mod jobs;
mod links;
pub mod permissions;
mod previews;
mod processing;
mod routes;
mod scanner;
mod store;

use std::sync::Arc;

use ::events::Subscription;
use access::{Gate, Purpose};
use axum::{
    extract::{FromRef, Request},
    middleware::{Next, from_fn},
    response::Response,
};
use blob::Store;
use db::Db;
use tokio::sync::Semaphore;
use web::{Cursors, Service};

pub use erasure::ERASURE;
pub use scanner::{Scanner, Verdict};

/// What this context owns.
pub const ABOUT: &str =
    "Documents and pictures: uploads, downloads, quotas, scanning, previews, avatars.";

/// Files of one process that are checked at the same time: each holds a connection to the store and one to the scanner.
const CHECKED_AT_ONCE: usize = 4;

/// What handlers share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    gate: Gate,
    db: Db,
    cursors: Cursors,
    store: Store,
    scanner: Scanner,
    checks: Arc<Semaphore>,
}

impl FromRef<App> for Gate {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

/// The context over this database, behind this gate, with its objects in a local folder and nobody who scans them.
pub fn service(db: Db, gate: Gate) -> Service {
    let folder = blob::Folder::new(config::LOCAL_FOLDER);
    service_with(db, gate, Store::Folder(folder), Scanner::Trusting)
}

/// The same with this store and this scanner.
pub fn service_with(db: Db, gate: Gate, store: Store, scanner: Scanner) -> Service {
    let app = App {
        cursors: Cursors::new(&gate.keyring().derive(Purpose::Cursors)),
        gate: gate.clone(),
        db: db.clone(),
        store,
        scanner,
        checks: Arc::new(Semaphore::new(CHECKED_AT_ONCE)),
    };
    let internal = consumers::all()
        .routes(app.clone(), db.clone(), gate.clone())
        .merge(jobs::all().routes(app.clone(), db, gate));
    let mut service = Service::new("files", ABOUT, routes::routes(), app).with_internal(internal);
    service.api = service.api.layer(from_fn(speak_tus));
    service
}

/// What it listens to.
pub fn subscriptions() -> Vec<Subscription> {
    consumers::all().subscriptions()
}

/// Every answer of the uploads in pieces says which protocol it speaks, refusals too.
async fn speak_tus(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_tus = path == "/files/uploads" || path.starts_with("/files/uploads/");
    let mut response = next.run(request).await;
    if is_tus {
        let (name, version) = http::tus::RESUMABLE;
        response.headers_mut().insert(name, version);
    }
    response
}

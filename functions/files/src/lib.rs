//! Files of all other contexts: uploads, access control, scanning and downloads.
//!
//! Uploads arrive as a form, as a resumable upload (tus), or directly in the object store, and are stored as parts. One pass
//! then hashes, scans and copies the parts to the final object ([`processing`]). Only files that pass this check can be
//! downloaded.

pub mod config;
mod consumers;
mod database_exceptions;
pub mod declarations;
mod domain;
mod erasure;
pub mod error;
pub mod events;
mod http;
pub mod ids;
pub mod jobs;
mod object_keys;
pub mod permissions;
mod previews;
mod processing;
mod routes;
mod scanner;
mod store;
mod tables;

use std::sync::Arc;

use ::events::Context;
use access::{AppState, Purpose};
use axum::{
    extract::{FromRef, Request},
    middleware::{Next, from_fn},
    response::Response,
};
use blob::Store;
use db::Db;
use tokio::sync::Semaphore;
use web::{Cursors, Service};

pub use scanner::{Scanner, Verdict};

/// Everything about this context.
pub static CONTEXT: Context = Context {
    flag: Some(declarations::FLAG),
    metrics: declarations::METRICS,
    file_resources: declarations::FILE_RESOURCES,
    permissions: permissions::DECLARED,
    problems: error::ALL,
    events: events::ALL,
    subscriptions: || consumers::all().subscriptions(),
    jobs: jobs::ALL,
    environment: config::Settings::ENTRIES,
    tables: tables::TABLES,
    database: database_exceptions::DATABASE,
    demo: Some(include_str!("../demo.json")),
    ..Context::new(
        "files",
        "Documents and pictures: uploads, downloads, quotas, scanning, previews, avatars.",
        config::start,
    )
};

/// Files that one process checks concurrently. Each check holds a connection to the store and one to the scanner.
const MAX_CONCURRENT_CHECKS: usize = 4;

/// State shared by all handlers.
#[derive(Clone, Debug)]
pub(crate) struct App {
    state: AppState,
    db: Db,
    cursors: Cursors,
    store: Store,
    scanner: Scanner,
    checks: Arc<Semaphore>,
}

impl ::events::Backend for App {
    fn db(&self) -> &Db {
        &self.db
    }

    fn state(&self) -> &AppState {
        &self.state
    }
}

impl FromRef<App> for AppState {
    fn from_ref(app: &App) -> Self {
        app.state.clone()
    }
}

/// Builds the service with a local folder for objects and without a scanner.
pub fn service(db: Db, state: AppState) -> Service {
    let folder = blob::Folder::new(config::LOCAL_FOLDER);
    service_with(db, state, Store::Folder(folder), Scanner::Disabled)
}

/// Builds the service with this store and this scanner.
pub fn service_with(db: Db, state: AppState, store: Store, scanner: Scanner) -> Service {
    let app = App {
        cursors: Cursors::new(&state.keyring().derive(Purpose::Cursors)),
        state,
        db,
        store,
        scanner,
        checks: Arc::new(Semaphore::new(MAX_CONCURRENT_CHECKS)),
    };
    let mut service = CONTEXT.service(app, routes::routes(), consumers::all(), jobs::all());
    service.api = service.api.layer(from_fn(add_tus_version));
    service
}

/// Adds `Tus-Resumable` to every response of the tus endpoints, including problems.
async fn add_tus_version(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_tus = path == "/files/uploads" || path.starts_with("/files/uploads/");
    let mut response = next.run(request).await;
    if is_tus {
        let (name, version) = http::tus::TUS_RESUMABLE;
        response.headers_mut().insert(name, version);
    }
    response
}

//! Support tickets between a tenant's customers and its staff, with comments and an append-only history.
//!
//! Customers see their own tickets and public comments; staff work on all tickets of their tenant.

mod consumers;
pub mod declarations;
mod domain;
mod erasure;
pub mod error;
pub mod events;
mod http;
pub mod jobs;
pub mod permissions;
mod routes;
mod store;
mod tables;

use ::events::Context;
use access::{AppState, Purpose};
use axum::extract::FromRef;
use db::Db;
use web::{Cursors, Service};

pub use erasure::ERASURE;
pub use tables::TABLES;

/// Everything about this context.
pub static CONTEXT: Context = Context {
    flag: Some(declarations::FLAG),
    settings: declarations::SETTINGS,
    file_resources: declarations::FILE_RESOURCES,
    permissions: permissions::DECLARED,
    problems: error::ALL,
    events: events::ALL,
    subscriptions: || consumers::all().subscriptions(),
    jobs: jobs::ALL,
    erasure: Some(&ERASURE),
    demo: Some(include_str!("../demo.json")),
    ..Context::new(
        "support",
        "Tickets between a tenant's customers and its experts: comments, history, search.",
        |parts| Ok(service(parts.db, parts.state).into()),
    )
};

/// State shared by all handlers.
#[derive(Clone, Debug)]
pub(crate) struct App {
    state: AppState,
    db: Db,
    cursors: Cursors,
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

/// Builds the service of this context.
pub fn service(db: Db, state: AppState) -> Service {
    let app = App {
        cursors: Cursors::new(&state.keyring().derive(Purpose::Cursors)),
        state: state.clone(),
        db: db.clone(),
    };
    let internal = consumers::all()
        .routes(app.clone(), db.clone(), state.clone())
        .merge(jobs::all().routes(app.clone(), db, state));
    Service::new(CONTEXT.name, CONTEXT.about, routes::routes(), app).with_internal(internal)
}

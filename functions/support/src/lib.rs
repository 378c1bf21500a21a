//! Tickets between a tenant's customers and its experts: opened, worked on, commented, resolved, with a history that
//! never changes. Customers see their own tickets and public comments; experts work on all of their tenant.

mod consumers;
mod domain;
mod erasure;
pub mod error;
pub mod events;
mod http;
pub mod jobs;
pub mod permissions;
mod routes;
mod store;

use ::events::Subscription;
use access::{Gate, Purpose};
use axum::extract::FromRef;
use db::Db;
use web::{Cursors, Service};

pub use erasure::ERASURE;

/// What this context owns.
pub const ABOUT: &str =
    "Tickets between a tenant's customers and its experts: comments, history, search.";

/// What handlers share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    gate: Gate,
    db: Db,
    cursors: Cursors,
}

impl FromRef<App> for Gate {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

/// The context over this database, behind this gate.
pub fn service(db: Db, gate: Gate) -> Service {
    let app = App {
        cursors: Cursors::new(&gate.keyring().derive(Purpose::Cursors)),
        gate: gate.clone(),
        db: db.clone(),
    };
    let internal = consumers::all()
        .routes(app.clone(), db.clone(), gate.clone())
        .merge(jobs::all().routes(app.clone(), db, gate));
    Service::new("support", ABOUT, routes::routes(), app).with_internal(internal)
}

/// What it listens to.
pub fn subscriptions() -> Vec<Subscription> {
    consumers::all().subscriptions()
}

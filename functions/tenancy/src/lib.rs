//! tenancy: the organisations that use the platform, what each has licensed, switched on and set, the API keys of their
//! scripts, and the log of who did what.
//!
//! It alone writes `access.tenants` and `access.api_keys`, the mirrors from which every function learns of tenants and keys,
//! always in the transaction of the change. Everybody works on their own tenant; the platform's staff, signed in to the
//! tenant `revalenz`, also on the tenant that the path names, and that tenant's log says so ([`http::visit`]).

mod domain;
mod error;
pub mod events;
mod http;
pub mod jobs;
pub mod permissions;
mod routes;
mod store;

use access::{Gate, Purpose};
use axum::extract::FromRef;
use db::Db;
use web::{Cursors, Service};

pub use domain::{flags::Flag, settings::Settings};
pub use error::ALL as PROBLEMS;

/// The name of this context: its schema, its login, its folder.
pub const NAME: &str = "tenancy";
/// What it owns, in a sentence.
pub const ABOUT: &str =
    "Tenants with their settings, feature flags and licences; API keys; the audit log.";

/// What every handler may need.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) gate: Gate,
    pub(crate) db: Db,
    pub(crate) cursors: Cursors,
}

impl FromRef<App> for Gate {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

/// The context, ready to be served.
pub fn service(db: Db, gate: Gate) -> Service {
    let cursors = Cursors::new(&gate.keyring().derive(Purpose::Cursors));
    let app = App {
        gate: gate.clone(),
        db: db.clone(),
        cursors,
    };
    let internal = jobs::all().routes(app.clone(), db, gate);
    Service::new(NAME, ABOUT, routes::routes(), app).with_internal(internal)
}

//! tenancy: the organisations that use the platform, what each has licensed, switched on and set, the domains of their
//! frontends, the API keys of their scripts, and the log of who did what.
//!
//! It alone writes `access.tenants` and `access.api_keys`, the mirrors from which every function learns of tenants and keys,
//! always in the transaction of the change. Everybody works on their own tenant; the platform's staff, signed in to the
//! tenant `revalenz`, also on the tenant that the path names, and that tenant's log says so ([`http::visit`]). It leads every
//! tenant through its life, from trial to closed ([`http::life_cycle`]).

pub mod config;
mod consumers;
mod domain;
mod erasure;
mod error;
pub mod events;
mod http;
pub mod jobs;
pub mod permissions;
mod proofs;
mod routes;
mod store;
mod verification;

use ::events::Subscription;
use access::{Gate, Purpose};
use axum::extract::FromRef;
use db::Db;
use web::{Cursors, Service};

pub use domain::{flags::Flag, settings::Settings};
pub use erasure::ERASURE;
pub use error::ALL as PROBLEMS;
pub use proofs::Proofs;

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
    pub(crate) proofs: Proofs,
}

impl FromRef<App> for Gate {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

/// The context, ready to be served; proofs of domains are looked for by the system's own DNS.
pub fn service(db: Db, gate: Gate) -> Service {
    service_with(db, gate, Proofs::new(None))
}

/// The same with other eyes for proofs.
pub fn service_with(db: Db, gate: Gate, proofs: Proofs) -> Service {
    let app = App {
        cursors: Cursors::new(&gate.keyring().derive(Purpose::Cursors)),
        gate: gate.clone(),
        db: db.clone(),
        proofs,
    };
    let internal = consumers::all()
        .routes(app.clone(), db.clone(), gate.clone())
        .merge(jobs::all().routes(app.clone(), db, gate));
    Service::new(NAME, ABOUT, routes::routes(), app).with_internal(internal)
}

/// What it listens to.
pub fn subscriptions() -> Vec<Subscription> {
    consumers::all().subscriptions()
}

//! Brings announcements from the outbox to the functions that listen, in the order of each aggregate, until each has been
//! taken or is parked with the reason. Whoever dies on the way loses nothing: the outbox row is the record of truth, and
//! consumers note what they have taken, so an event that is brought twice has its effect once.

mod bus;
mod carrier;
pub mod config;
mod courier;
mod domain;
pub mod error;
mod http;
pub mod jobs;
mod mover;
mod nudge;
mod routes;
mod routing;
mod store;
mod transport;

use access::{Gate, Purpose};
use axum::extract::FromRef;
use db::Db;
use web::{Cursors, Service};

pub use bus::{Bus, Moving};
pub use carrier::Carrier;
pub use domain::{backoff::Backoff, verdict::Delivery};
pub use mover::{Limits, Relay};
pub use nudge::Nudge;
pub use routing::Routing;
#[cfg(feature = "gcp")]
pub use transport::pubsub::PubSub;
pub use transport::{
    Transport,
    http::Http,
    in_process::InProcess,
    rabbit::{Broker, Rabbit},
};

/// What this context owns.
pub const ABOUT: &str =
    "Moves announcements from the outbox to the functions that listen; keeps what they refuse.";

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

/// The dead letters over this database, behind this gate. What moves events is a [`Relay`].
pub fn service(db: Db, gate: Gate) -> Service {
    let cursors = Cursors::new(&gate.keyring().derive(Purpose::Cursors));
    let app = App {
        gate: gate.clone(),
        db: db.clone(),
        cursors,
    };
    let internal = jobs::all().routes(app.clone(), db, gate);
    Service::new("relay", ABOUT, routes::routes(), app).with_internal(internal)
}

//! Delivers announcements from the outbox to the functions that subscribe, in order per aggregate, until each is accepted or
//! parked with a reason. A crash loses nothing: the outbox row is the source of truth, and consumers record accepted events in
//! their inbox, so an event that is delivered twice takes effect once.

mod bus;
pub mod config;
mod database_exceptions;
mod delivery_client;
mod dispatcher;
mod domain;
pub mod error;
mod http;
pub mod ids;
pub mod jobs;
mod nudge;
mod rabbit_consumer;
mod routes;
mod routing;
mod runtime;
mod store;
mod telemetry;
mod transport;

use access::{AppState, Purpose};
use axum::extract::FromRef;
use db::Db;
use events::{Context, OwnProcess};
use web::{Cursors, Service};

pub use bus::Bus;
pub use dispatcher::{Limits, OutboxDispatcher};
pub use domain::{backoff::Backoff, outcome::DeliveryOutcome};
pub use nudge::Nudge;
pub use rabbit_consumer::RabbitConsumer;
pub use routing::Routing;
pub use runtime::RelayRuntime;
#[cfg(feature = "gcp")]
pub use transport::pubsub::PubSub;
pub use transport::{
    Transport,
    http::Http,
    in_process::InProcess,
    rabbit::{Broker, Rabbit},
};

/// Everything about this context. In a process with other functions, that process delivers the events itself, with a
/// [`RelayRuntime`] over their routers.
pub static CONTEXT: Context = Context {
    problems: error::ALL,
    jobs: jobs::ALL,
    database: database_exceptions::DATABASE,
    own_process: Some(OwnProcess {
        environment: config::Settings::ENTRIES,
        start: config::start,
    }),
    ..Context::new(
        "relay",
        "Delivers events from the outbox to the functions that subscribe and keeps those they refuse as dead letters.",
        |parts| Ok(service(parts.db, parts.state).into()),
    )
};

/// State shared by handlers.
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

/// The HTTP service for dead letters. Events are dispatched by a [`RelayRuntime`].
pub fn service(db: Db, state: AppState) -> Service {
    let cursors = Cursors::new(&state.keyring().derive(Purpose::Cursors));
    let app = App {
        state: state.clone(),
        db: db.clone(),
        cursors,
    };
    let internal = jobs::all().routes(app.clone(), db, state);
    Service::new(CONTEXT.name, CONTEXT.about, routes::routes(), app).with_internal(internal)
}

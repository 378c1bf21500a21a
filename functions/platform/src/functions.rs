//! The list of functions. To add a function, add its context to [`ALL`].

use std::{path::Path, time::Duration};

use access::{AppSettings, AppState, Keyring};
use axum::Router;
use db::Db;
use events::{Context, Environment, Job, PageParts, Parts, Started, Subscription};
use web::{Clock, Service};

use crate::Error;

/// Name of the process that serves the pages: its port, settings and container.
pub const PAGES: &str = "platform";

/// Every function, in the order of the table in the README.
pub static ALL: &[&Context] = &[
    &identity::CONTEXT,
    &tenancy::CONTEXT,
    &support::CONTEXT,
    &files::CONTEXT,
    &notifications::CONTEXT,
    &relay::CONTEXT,
];

/// Returns the name of every function.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|context| context.name).collect()
}

/// Builds every function; `pool` returns the database of a function.
pub fn start(
    pool: impl Fn(&str) -> Result<Db, Error>,
    state: &AppState,
    environment: &Environment,
) -> Result<Vec<Started>, Error> {
    let start = |context: &&Context| {
        let started = (context.start)(Parts {
            db: pool(context.name)?,
            state: state.clone(),
            environment: environment.clone(),
        });
        started.map_err(|error| format!("{}: {error}", context.name).into())
    };
    ALL.iter().map(start).collect()
}

/// Builds every function over a lazy pool that never connects: enough for documents and manifests.
pub fn services() -> Result<Vec<Service>, Error> {
    let db = Db::connect_lazy("postgres://unused@127.0.0.1:1/none", 1)?;
    let state = AppState::new(
        db.clone(),
        Clock::system(),
        Keyring::parse(&Keyring::generate())?,
        AppSettings {
            public_url: "http://127.0.0.1:8080".to_owned(),
            cache_ttl: Duration::ZERO,
            in_flight: 8,
            local: false,
        },
    );
    // Only defaults, whatever the variables of this process are.
    let defaults = Environment::local(ALL.iter().copied(), Path::new(".local"));
    let started = start(|_name| Ok(db.clone()), &state, &defaults)?;
    Ok(started.into_iter().map(|started| started.service).collect())
}

/// Returns the pages of every function.
pub fn pages(parts: &PageParts) -> Router {
    let pages = ALL.iter().filter_map(|context| context.pages);
    pages.fold(Router::new(), |router, pages| router.merge(pages(parts)))
}

/// Returns the subscriptions of every function.
pub fn subscriptions() -> Vec<Subscription> {
    ALL.iter()
        .flat_map(|function| (function.subscriptions)())
        .collect()
}

/// Returns every job of every function.
pub fn jobs() -> impl Iterator<Item = &'static Job> {
    ALL.iter()
        .flat_map(|function| function.jobs.iter().copied())
}

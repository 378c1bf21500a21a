//! The list of functions. To add a function, add its entry here.

use std::{path::PathBuf, time::Duration};

use access::{AppSettings, AppState, Keyring};
use blob::{Folder, Store};
use db::Db;
use events::{EventKind, Job, Subscription};
use web::{Clock, ProblemKind, Service, settings::Entry};

use crate::Error;

/// Name of the process that serves the pages: its port, settings and container.
pub const PAGES: &str = "platform";

/// What the platform knows about a function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Name, also of its schema, login and folder.
    pub name: &'static str,
    /// What it owns, in one sentence.
    pub about: &'static str,
    /// Builds its routers and document.
    pub service: fn(Db, AppState) -> Service,
    /// Problem types it may return.
    pub problems: &'static [&'static ProblemKind],
    /// Events it publishes.
    pub events: &'static [&'static EventKind],
    /// Events it subscribes to.
    pub subscriptions: fn() -> Vec<Subscription>,
    /// Its scheduled jobs.
    pub jobs: &'static [&'static Job],
    /// Settings that only this function reads when it runs as its own process.
    pub settings: &'static [Entry],
}

/// Every function, in the order of the table in the README.
pub static ALL: &[Function] = &[
    Function {
        name: "identity",
        about: identity::ABOUT,
        service: identity::service,
        problems: identity::error::ALL,
        events: identity::events::ALL,
        subscriptions: identity::subscriptions,
        jobs: identity::jobs::ALL,
        settings: identity::config::Environment::ENTRIES,
    },
    Function {
        name: "tenancy",
        about: tenancy::ABOUT,
        service: tenancy::service,
        problems: tenancy::PROBLEMS,
        events: tenancy::events::ALL,
        subscriptions: tenancy::subscriptions,
        jobs: tenancy::jobs::ALL,
        settings: tenancy::config::Settings::ENTRIES,
    },
    Function {
        name: "support",
        about: support::ABOUT,
        service: support::service,
        problems: support::error::ALL,
        events: support::events::ALL,
        subscriptions: support::subscriptions,
        jobs: support::jobs::ALL,
        settings: &[],
    },
    Function {
        name: "files",
        about: files::ABOUT,
        service: files::service,
        problems: files::error::ALL,
        events: files::events::ALL,
        subscriptions: files::subscriptions,
        jobs: files::jobs::ALL,
        settings: files::config::Settings::ENTRIES,
    },
    Function {
        name: "notifications",
        about: notifications::ABOUT,
        service: notifications::service,
        problems: notifications::error::ALL,
        events: notifications::events::ALL,
        subscriptions: notifications::subscriptions,
        jobs: notifications::jobs::ALL,
        settings: notifications::config::Settings::ENTRIES,
    },
    Function {
        name: "relay",
        about: relay::ABOUT,
        service: relay::service,
        problems: relay::error::ALL,
        events: &[],
        subscriptions: Vec::new,
        jobs: relay::jobs::ALL,
        settings: relay::config::Settings::ENTRIES,
    },
];

/// Where the platform stores file contents and how it scans them.
#[derive(Clone, Debug)]
pub struct FileStorage {
    /// Folder for the objects.
    pub folder: PathBuf,
    /// Malware scanner.
    pub scanner: files::Scanner,
}

impl Function {
    /// Builds its routers over its own database.
    pub fn build_service(&self, db: Db, state: AppState, storage: &FileStorage) -> Service {
        if self.name == "files" {
            let store = Store::Folder(Folder::new(&storage.folder));
            return files::service_with(db, state, store, storage.scanner.clone());
        }
        (self.service)(db, state)
    }
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
    Ok(ALL
        .iter()
        .map(|function| (function.service)(db.clone(), state.clone()))
        .collect())
}

/// Returns every job of every function.
pub fn jobs() -> impl Iterator<Item = &'static Job> {
    ALL.iter()
        .flat_map(|function| function.jobs.iter().copied())
}

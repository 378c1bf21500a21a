//! The functions that this process composes: adding one is adding its line.

use std::path::PathBuf;

use access::Gate;
use blob::{Folder, Store};
use db::Db;
use events::{EventKind, Job, Subscription};
use web::{Kind, Service, settings::Entry};

/// A function as the platform knows it.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name: also its schema, its login, its folder.
    pub name: &'static str,
    /// What it owns, in a sentence.
    pub about: &'static str,
    /// Makes its routers.
    pub service: fn(Db, Gate) -> Service,
    /// Its refusals.
    pub problems: &'static [&'static Kind],
    /// Its announcements.
    pub events: &'static [&'static EventKind],
    /// What it listens to.
    pub listens: fn() -> Vec<Subscription>,
    /// What it does at fixed times.
    pub jobs: &'static [&'static Job],
    /// What it alone is told when it is a process of its own.
    pub settings: &'static [Entry],
}

/// Every function, in the order of the product's table.
pub static ALL: &[Function] = &[
    Function {
        name: "identity",
        about: identity::ABOUT,
        service: identity::service,
        problems: identity::error::ALL,
        events: identity::events::ALL,
        listens: identity::subscriptions,
        jobs: identity::jobs::ALL,
        settings: identity::config::Environment::ENTRIES,
    },
    Function {
        name: "tenancy",
        about: tenancy::ABOUT,
        service: tenancy::service,
        problems: tenancy::PROBLEMS,
        events: tenancy::events::ALL,
        listens: tenancy::subscriptions,
        jobs: tenancy::jobs::ALL,
        settings: tenancy::config::Settings::ENTRIES,
    },
    Function {
        name: "support",
        about: support::ABOUT,
        service: support::service,
        problems: support::error::ALL,
        events: support::events::ALL,
        listens: support::subscriptions,
        jobs: support::jobs::ALL,
        settings: &[],
    },
    Function {
        name: "files",
        about: files::ABOUT,
        service: files::service,
        problems: files::error::ALL,
        events: files::events::ALL,
        listens: files::subscriptions,
        jobs: files::jobs::ALL,
        settings: files::config::Settings::ENTRIES,
    },
    Function {
        name: "notifications",
        about: notifications::ABOUT,
        service: notifications::service,
        problems: notifications::error::ALL,
        events: notifications::events::ALL,
        listens: notifications::subscriptions,
        jobs: notifications::jobs::ALL,
        settings: notifications::config::Settings::ENTRIES,
    },
    Function {
        name: "relay",
        about: relay::ABOUT,
        service: relay::service,
        problems: relay::error::ALL,
        events: &[],
        listens: Vec::new,
        jobs: relay::jobs::ALL,
        settings: relay::config::Settings::ENTRIES,
    },
];

/// Where the platform keeps the bytes of files, and who checks them.
#[derive(Clone, Debug)]
pub struct Objects {
    /// The folder.
    pub folder: PathBuf,
    /// Who says whether a file is harmful.
    pub scanner: files::Scanner,
}

impl Function {
    /// Its routers, over its own database.
    pub fn serve(&self, db: Db, gate: Gate, objects: &Objects) -> Service {
        if self.name == "files" {
            let store = Store::Folder(Folder::new(&objects.folder));
            return files::service_with(db, gate, store, objects.scanner.clone());
        }
        (self.service)(db, gate)
    }
}

/// Every job of every function.
pub fn jobs() -> impl Iterator<Item = &'static Job> {
    ALL.iter()
        .flat_map(|function| function.jobs.iter().copied())
}

//! tenancy: the organisations that use the platform, with their licences, feature flags, settings, domains and API keys, and
//! the audit log.
//!
//! It alone writes `access.tenants` and `access.api_keys`, from which every function reads tenants and keys, always in the
//! transaction of the change. Users work on their own tenant. Platform staff, signed in to the tenant `revalenz`, also work on
//! the tenant in the path, which is recorded in that tenant's audit log ([`http::tenant_scope`]).

mod audit_verification;
pub mod config;
mod consumers;
mod database_exceptions;
pub mod declarations;
mod domain;
mod domain_verification;
mod erasure;
mod error;
pub mod events;
mod http;
pub mod ids;
pub mod jobs;
mod licensing;
pub mod permissions;
mod provisioning;
mod routes;
mod store;
mod tables;

use ::events::Context;
use access::{AppState, Purpose};
use axum::extract::FromRef;
use db::Db;
use web::{Cursors, Service};

pub use domain_verification::DomainVerifier;

/// The name of this context, its schema, its database login and its folder.
pub const NAME: &str = "tenancy";

/// Everything about this context.
pub static CONTEXT: Context = Context {
    settings: declarations::SETTINGS,
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
        NAME,
        "Tenants with their settings, feature flags and licences; API keys; the audit log.",
        config::start,
    )
};

/// The state of the handlers.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) state: AppState,
    pub(crate) db: Db,
    pub(crate) cursors: Cursors,
    pub(crate) domain_verifier: DomainVerifier,
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

/// The service of this context; domains are verified with the system's DNS.
pub fn service(db: Db, state: AppState) -> Service {
    service_with(db, state, DomainVerifier::new(None))
}

/// The service with the given verifier of domains.
pub fn service_with(db: Db, state: AppState, domain_verifier: DomainVerifier) -> Service {
    let app = App {
        cursors: Cursors::new(&state.keyring().derive(Purpose::Cursors)),
        state,
        db,
        domain_verifier,
    };
    CONTEXT.service(app, routes::routes(), consumers::all(), jobs::all())
}

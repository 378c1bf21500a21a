//! identity: users, authentication and authorisation.
//!
//! Users of a tenant with their roles and skills; passwords, second factors, sessions, and their tokens: short-lived access tokens
//! that every function verifies on its own, and rotating refresh tokens that only this context knows. Data of users, roles, sessions
//! and public keys that other contexts need is projected to the schema `access` in the same transaction.

pub mod bootstrap;
pub mod config;
mod consumers;
mod database_exceptions;
pub mod declarations;
mod domain;
mod erasure;
pub mod error;
pub mod events;
mod http;
pub mod ids;
pub mod jobs;
mod oidc;
pub mod pages;
pub mod permissions;
mod routes;
mod signing;
mod store;
mod tables;

use std::sync::Arc;

use ::events::Context;
use access::{AppState, Purpose};
use axum::extract::FromRef;
use config::Settings;
use db::Db;
use domain::{
    password_hash::Hasher,
    refresh_token::RefreshTokens,
    throttle::{Limits, Throttle},
};
pub use oidc::{Provider, Providers};
use signing::CachedSigner;
use tokio::sync::Mutex;
use web::{Cursors, Service};

/// Everything about this context.
pub static CONTEXT: Context = Context {
    settings: declarations::SETTINGS,
    permissions: permissions::DECLARED,
    problems: error::ALL,
    events: events::ALL,
    subscriptions: || consumers::all().subscriptions(),
    jobs: jobs::ALL,
    environment: config::Environment::ENTRIES,
    tables: tables::TABLES,
    database: database_exceptions::DATABASE,
    demo: Some(include_str!("../demo.json")),
    pages: Some(|_parts| pages::router()),
    ..Context::new(
        "identity",
        "Users, authentication and authorisation: profiles, roles, sign-in, sessions, skills.",
        config::start,
    )
};

/// From how many networks the failures of one account are counted before sign-in is limited everywhere.
const NETWORKS_PER_ACCOUNT: u32 = 10;

/// The state shared by handlers.
#[derive(Clone, Debug)]
pub(crate) struct App {
    state: AppState,
    db: Db,
    cursors: Cursors,
    settings: Arc<Settings>,
    hasher: Hasher,
    throttle: Arc<Throttle>,
    /// Incorrect codes are counted separately from failed sign-ins, because the first factor was correct.
    code_throttle: Arc<Throttle>,
    mail_throttle: Arc<Throttle>,
    refresh_tokens: RefreshTokens,
    signer: Arc<Mutex<Option<CachedSigner>>>,
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

/// Builds the service with default settings.
pub fn service(db: Db, state: AppState) -> Service {
    service_with(db, state, Settings::default())
}

/// Builds the service with the given settings.
pub fn service_with(db: Db, state: AppState, settings: Settings) -> Service {
    let app = App {
        cursors: Cursors::new(&state.keyring().derive(Purpose::Cursors)),
        hasher: Hasher::new(settings.max_concurrent_hashes, settings.max_queued_hashes),
        throttle: Arc::new(Throttle::new(Limits {
            per_account_and_network: settings.failures_per_account,
            per_account: settings.failures_per_account * NETWORKS_PER_ACCOUNT,
            per_address: settings.failures_per_address,
            window: settings.failure_window,
        })),
        code_throttle: Arc::new(Throttle::new(Limits {
            // A code follows a correct first factor, so wrong ones are counted wherever they come from.
            per_account_and_network: settings.wrong_codes_per_account,
            per_account: settings.wrong_codes_per_account,
            per_address: settings.failures_per_address,
            window: settings.failure_window,
        })),
        mail_throttle: Arc::new(Throttle::new(Limits {
            // For the recipient it makes no difference where an email was requested.
            per_account_and_network: settings.mails_per_account,
            per_account: settings.mails_per_account,
            per_address: settings.mails_per_address,
            window: settings.mail_window,
        })),
        refresh_tokens: RefreshTokens::new(state.keyring().clone()),
        signer: Arc::default(),
        settings: Arc::new(settings),
        state,
        db,
    };
    CONTEXT.service(app, routes::routes(), consumers::all(), jobs::all())
}

//! Turns events into messages to people: currently emails, in German or English, from templates.
//!
//! A consumer decides who is notified and inserts one row per message, in the transaction of the event's inbox row. A
//! [`Sender`] composes the email and hands it to a [`Mailer`], with retries and backoff, until it is sent or has failed. The
//! token of a one-time link stays sealed in the row and is blanked after the last attempt.

mod branding;
pub mod config;
mod consumers;
mod database_exceptions;
pub mod declarations;
pub mod dev_mail;
mod domain;
mod erasure;
pub mod error;
pub mod events;
pub mod ids;
pub mod jobs;
pub mod mail;
pub mod mailer;
mod sender;
mod store;
mod tables;
mod texts;

use ::events::Context;
use access::AppState;
use axum::extract::FromRef;
use db::Db;
use web::{Service, openapi::Routes};

pub use mailer::{Folder, MailError, Mailer, Smtp, SmtpError};
pub use sender::Sender;

/// Everything about this context.
pub static CONTEXT: Context = Context {
    settings: declarations::SETTINGS,
    problems: error::ALL,
    events: events::ALL,
    subscriptions: || consumers::all().subscriptions(),
    jobs: jobs::ALL,
    environment: config::Settings::ENTRIES,
    tables: tables::TABLES,
    database: database_exceptions::DATABASE,
    pages: Some(config::pages),
    ..Context::new(
        "notifications",
        "Emails people about tickets, invitations, links and their account, in German and English.",
        config::start,
    )
};

/// State shared by consumers.
#[derive(Clone, Debug)]
pub(crate) struct App {
    state: AppState,
    db: Db,
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

/// The service of this context. Messages that it queues are sent by a [`Sender`].
pub fn service(db: Db, state: AppState) -> Service {
    let app = App { state, db };
    CONTEXT.service(app, Routes::default(), consumers::all(), jobs::all())
}

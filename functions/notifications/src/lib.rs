//! Turns events into messages that people want: today mails, written in German or English from templates.
//!
//! A consumer decides who is to be written to and keeps a row a message, in the transaction of the event's inbox row. A
//! [`Sender`] writes the mail and hands it to a [`Mailer`], again and again with growing pauses, until it is out or has
//! visibly failed. What leads to an account (the token of a link) stays sealed in the row and is blanked with the last try.

pub mod config;
mod consumers;
pub mod dev_mail;
mod domain;
mod erasure;
pub mod error;
pub mod events;
pub mod jobs;
pub mod mail;
pub mod mailer;
mod sender;
mod store;
mod texts;

use ::events::Subscription;
use access::Gate;
use axum::extract::FromRef;
use db::Db;
use web::{Service, openapi::Routes};

pub use erasure::ERASURE;
pub use mailer::{Folder, MailError, Mailer, Smtp, SmtpError};
pub use sender::Sender;

/// What this context owns.
pub const ABOUT: &str =
    "Messages to people: mails about tickets, invitations and links, in German and English.";

/// What consumers share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    gate: Gate,
    db: Db,
}

impl FromRef<App> for Gate {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

/// The context over this database, behind this gate. What it takes in waits until a [`Sender`] sends it.
pub fn service(db: Db, gate: Gate) -> Service {
    let app = App {
        gate: gate.clone(),
        db: db.clone(),
    };
    let internal = consumers::all()
        .routes(app.clone(), db.clone(), gate.clone())
        .merge(jobs::all().routes(app.clone(), db, gate));
    Service::new("notifications", ABOUT, Routes::default(), app).with_internal(internal)
}

/// What it listens to.
pub fn subscriptions() -> Vec<Subscription> {
    consumers::all().subscriptions()
}

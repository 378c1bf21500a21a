//! This function's settings, and how a process of its own starts with them.

use std::{path::PathBuf, sync::Arc};

use access::{
    Gate,
    process::{Made, Work},
};
use db::Db;
use web::settings;

use crate::{Folder, Sender, service};

web::settings! {
    /// Settings of notifications.
    pub struct Settings {
        /// Folder into which mails are written, a file each: nothing leaves the machine.
        pub mail_folder: PathBuf = "REVALENZ_MAIL_FOLDER" or ".local/outbox",
        /// The address from which mails come.
        pub mail_from: String = "REVALENZ_MAIL_FROM" or "no-reply@revalenz.example",
    }
}

/// The service, and the sender beside it.
pub fn start(db: Db, gate: Gate) -> Made {
    let settings = Settings::read(&settings::environment)?;
    let mailer = Arc::new(Folder::new(settings.mail_folder));
    let sender = Sender::new(db.clone(), gate.clone(), mailer).coming_from(settings.mail_from);
    let service = sender.nudged_by(service(db, gate));
    let work: Work = Box::new(move |stop| Box::pin(async move { sender.run(stop).await }));
    Ok((service, Some(work)))
}

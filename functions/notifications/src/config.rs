//! This function's settings, and how a process of its own starts with them.

use std::{path::PathBuf, sync::Arc};

use access::{
    Gate,
    process::{Made, Work},
};
use db::Db;
use web::settings::{self, Hidden};

use crate::{Folder, Mailer, Sender, Smtp, SmtpError, service};

web::settings! {
    /// Settings of notifications.
    pub struct Settings {
        /// The mail server: smtps://user:password@host, or smtp://user:password@host:587?tls=required. Without it mails go into the folder.
        pub smtp_url: Option<Hidden> = "REVALENZ_SMTP_URL",
        /// Folder into which mails are written, a file each: nothing leaves the machine.
        pub mail_folder: PathBuf = "REVALENZ_MAIL_FOLDER" or ".local/outbox",
        /// The address from which mails come.
        pub mail_from: String = "REVALENZ_MAIL_FROM" or "no-reply@revalenz.example",
    }
}

/// Mails can't be handed to anybody.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The address of the server.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// There is no server, and whoever runs the container takes its disk away.
    #[error("REVALENZ_SMTP_URL is missing, and a folder of mails does not outlive this container")]
    Fleeting,
}

fn mailer(settings: &Settings, fleeting: bool) -> Result<Arc<dyn Mailer>, MailerError> {
    match &settings.smtp_url {
        Some(address) => Ok(Arc::new(Smtp::new(address.expose())?)),
        None if fleeting => Err(MailerError::Fleeting),
        None => Ok(Arc::new(Folder::new(&settings.mail_folder))),
    }
}

/// The service, and the sender beside it.
pub fn start(db: Db, gate: Gate) -> Made {
    let settings = Settings::read(&settings::environment)?;
    let mailer = mailer(&settings, settings::environment("K_SERVICE").is_some())?;
    let sender = Sender::new(db.clone(), gate.clone(), mailer).coming_from(settings.mail_from);
    let service = sender.nudged_by(service(db, gate));
    let work: Work = Box::new(move |stop| Box::pin(async move { sender.run(stop).await }));
    Ok((service, Some(work)))
}

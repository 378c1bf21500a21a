//! Settings and start of the notifications process.

use std::{path::PathBuf, sync::Arc};

use access::{
    AppState,
    process::{BackgroundTask, StartResult},
};
use db::Db;
use web::settings::{self, SecretString};

use crate::{Folder, Mailer, Sender, Smtp, SmtpError, service};

web::settings! {
    /// Settings of notifications.
    pub struct Settings {
        /// URL of the mail server: smtps://user:password@host, or smtp://user:password@host:587?tls=required. Without it, emails are written to the folder.
        pub smtp_url: Option<SecretString> = "REVALENZ_SMTP_URL",
        /// Folder to which emails are written, one file each, if there is no mail server.
        pub mail_folder: PathBuf = "REVALENZ_MAIL_FOLDER" or ".local/outbox",
        /// Sender address of all emails.
        pub mail_from: String = "REVALENZ_MAIL_FROM" or "no-reply@revalenz.example",
    }
}

/// No usable mailer is configured.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The URL of the mail server is invalid.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// There is no mail server, and the container's disk is ephemeral.
    #[error("REVALENZ_SMTP_URL is required: files do not outlive this container")]
    EphemeralDisk,
}

fn mailer(settings: &Settings, is_disk_ephemeral: bool) -> Result<Arc<dyn Mailer>, MailerError> {
    match &settings.smtp_url {
        Some(address) => Ok(Arc::new(Smtp::new(address.expose())?)),
        None if is_disk_ephemeral => Err(MailerError::EphemeralDisk),
        None => Ok(Arc::new(Folder::new(&settings.mail_folder))),
    }
}

/// Reads the settings and creates the service and its sender.
pub fn start(db: Db, state: AppState) -> StartResult {
    let settings = Settings::read(&settings::environment)?;
    let mailer = mailer(&settings, settings::environment("K_SERVICE").is_some())?;
    let sender =
        Sender::new(db.clone(), state.clone(), mailer).with_from_address(settings.mail_from);
    let service = sender.nudge_after_events(service(db, state));
    let work: BackgroundTask =
        Box::new(move |stop| Box::pin(async move { sender.run(stop).await }));
    Ok((service, Some(work)))
}

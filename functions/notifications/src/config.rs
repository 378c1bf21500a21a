//! Settings and start of the notifications process.

use std::{path::PathBuf, sync::Arc};

use axum::Router;
use events::{PageParts, Parts, StartError, Started};
use web::settings::SecretString;

use crate::{Folder, Mailer, Sender, Smtp, SmtpError, dev_mail, service};

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
pub(crate) fn start(parts: Parts) -> Result<Started, StartError> {
    let Parts {
        db,
        state,
        environment,
    } = parts;
    let settings = Settings::read(environment.lookup())?;
    // On a developer's machine, mail is read in the browser and need not outlive the process.
    let is_disk_ephemeral = !state.settings().local && environment.get("K_SERVICE").is_some();
    let mailer = mailer(&settings, is_disk_ephemeral)?;
    let sender =
        Sender::new(db.clone(), state.clone(), mailer).with_from_address(settings.mail_from);
    Ok(Started {
        service: sender.nudge_after_events(service(db, state)),
        background: Some(Box::new(move |stop| {
            Box::pin(async move { sender.run(stop).await })
        })),
    })
}

/// The pages that show captured mail, where they may be shown.
pub(crate) fn pages(parts: &PageParts) -> Router {
    match Settings::read(parts.environment.lookup()) {
        Ok(settings) if parts.shows_mail => {
            dev_mail::router(Folder::new(settings.mail_folder), &parts.public_url)
        }
        _ => Router::new(),
    }
}

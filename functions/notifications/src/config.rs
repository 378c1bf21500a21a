//! Settings and start of the notifications process.

use std::{path::PathBuf, sync::Arc};

use axum::Router;
use events::{PageParts, Parts, StartError, Started};
use web::settings::{SecretString, is_loopback_host, is_loopback_url};

use crate::{Folder, Mailer, Sender, Smtp, SmtpError, dev_mail, service};

web::settings! {
    /// Settings of notifications.
    pub struct Settings {
        /// URL of the mail server: smtps://user:password@host, or smtp://user:password@host:587?tls=required. `folder` writes emails to the folder instead, for local development only; refused if PUBLIC_URL is not a loopback address.
        pub smtp_url: SecretString = "REVALENZ_SMTP_URL" locally "folder",
        /// Folder to which emails are written, one file each, with REVALENZ_SMTP_URL=folder.
        pub mail_folder: PathBuf = "REVALENZ_MAIL_FOLDER" or ".local/outbox",
        /// Sender address of all emails. Default: no-reply@ and the host of PUBLIC_URL.
        pub mail_from: Option<String> = "REVALENZ_MAIL_FROM",
    }
}

/// The value of `REVALENZ_SMTP_URL` that captures emails instead of sending them.
const FOLDER: &str = "folder";

/// No usable mailer is configured.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The URL of the mail server is invalid.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// Emails would be captured where people wait for them.
    #[error(
        "REVALENZ_SMTP_URL=folder is for local development only, but the public URL is {0}: set it to the URL of the mail server"
    )]
    Captured(String),
}

fn mailer(settings: &Settings, public_url: &str) -> Result<Arc<dyn Mailer>, MailerError> {
    match settings.smtp_url.expose() {
        FOLDER if is_loopback_url(public_url) => Ok(Arc::new(Folder::new(&settings.mail_folder))),
        FOLDER => Err(MailerError::Captured(public_url.to_owned())),
        url => Ok(Arc::new(Smtp::new(url)?)),
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
    let mailer = mailer(&settings, &state.settings().public_url)?;
    let from = settings
        .mail_from
        .unwrap_or_else(|| default_from(&state.settings().public_url));
    let sender = Sender::new(db.clone(), state.clone(), mailer).with_from_address(from);
    Ok(Started {
        service: sender.nudge_after_events(service(db, state)),
        background: Some(Box::new(move |stop| {
            Box::pin(async move { sender.run(stop).await })
        })),
    })
}

/// The sender address of a platform that names none. A loopback address is no domain, so the local demo uses a reserved one
/// (RFC 2606).
fn default_from(public_url: &str) -> String {
    let uri: Option<http::Uri> = public_url.parse().ok();
    match uri.as_ref().and_then(http::Uri::host) {
        Some(host) if !is_loopback_host(host) => format!("no-reply@{host}"),
        _ => "no-reply@revalenz.example".to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer_at(public_url: &str, smtp_url: &str) -> Result<Arc<dyn Mailer>, MailerError> {
        let lookup = |name: &str| (name == "REVALENZ_SMTP_URL").then(|| smtp_url.to_owned());
        mailer(&Settings::read(&lookup).unwrap(), public_url)
    }

    // The mail server's connections are kept by the runtime.
    #[tokio::test]
    async fn emails_are_captured_on_a_developers_machine_only() {
        for local in ["http://127.0.0.1:8080", "http://localhost:8080"] {
            assert!(mailer_at(local, "folder").is_ok(), "{local}");
        }
        let public = "https://app.example.org";
        let refused = mailer_at(public, "folder").err().unwrap().to_string();
        assert!(refused.contains("REVALENZ_SMTP_URL=folder"), "{refused}");
        assert!(mailer_at(public, "smtps://u:p@mail.example.org").is_ok());
    }

    #[test]
    fn the_mail_server_must_be_chosen() {
        let missing = Settings::read(&|_| None).unwrap_err().to_string();
        assert!(
            missing.contains("REVALENZ_SMTP_URL is missing"),
            "{missing}"
        );
    }

    #[test]
    fn without_a_sender_address_it_is_one_of_the_platforms_own_host() {
        assert_eq!(
            default_from("https://app.example.org:8443"),
            "no-reply@app.example.org"
        );
        assert_eq!(
            default_from("http://127.0.0.1:8080"),
            "no-reply@revalenz.example"
        );
    }
}

//! Sends emails by SMTP (RFC 5321), encrypted as in RFC 8314 unless the server is on this machine.

use std::{net::IpAddr, time::Duration};

use futures::future::BoxFuture;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor, transport::smtp};

use super::{MailError, Mailer};
use crate::mail::Mail;

/// How long the server may take for one command; shorter than the timeout of a whole email.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(8);

/// Permanent errors (RFC 4954) that are caused by our settings and not by the email. They are retried until the settings are fixed.
const CONFIGURATION_ERRORS: [u16; 5] = [503, 530, 534, 535, 538];

/// Sends emails to a mail server.
#[derive(Clone, Debug)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

/// The server's URL can't be used. It is not repeated, because it contains a password.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL has another form.
    #[error(
        "REVALENZ_SMTP_URL must have the form smtps://user:password@host or smtp://user:password@host:587?tls=required"
    )]
    InvalidUrl,
    /// Emails would be sent unencrypted over a network.
    #[error("REVALENZ_SMTP_URL must use TLS unless the mail server is on this machine")]
    Unencrypted,
}

impl Smtp {
    /// A mailer for the server at this URL.
    pub fn new(url: &str) -> Result<Self, SmtpError> {
        let parsed = url::Url::parse(url).map_err(|_| SmtpError::InvalidUrl)?;
        let is_tls_required = parsed
            .query_pairs()
            .find(|(name, _)| name == "tls")
            .is_some_and(|(_, value)| value == "required");
        let host = parsed.host_str().ok_or(SmtpError::InvalidUrl)?;
        // For this scheme `url` returns an IP address as it is written.
        let is_local = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback());
        if parsed.scheme() != "smtps" && !is_tls_required && !is_local {
            return Err(SmtpError::Unencrypted);
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| SmtpError::InvalidUrl)?;
        Ok(Self(builder.timeout(Some(COMMAND_TIMEOUT)).build()))
    }
}

impl Mailer for Smtp {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let composed = mail
                .compose()
                .map_err(|error| MailError::Permanent(error.to_string()))?;
            let is_ascii = composed
                .envelope()
                .to()
                .iter()
                .all(|address| AsRef::<str>::as_ref(address).is_ascii());
            match self.0.send(composed).await {
                Ok(_accepted) => Ok(()),
                // The server does not offer SMTPUTF8 (RFC 6531, 3.2), and will not do so tomorrow.
                Err(error) if error.is_client() && !is_ascii => Err(MailError::Permanent(
                    "the mail server only takes addresses in ASCII".to_owned(),
                )),
                Err(error) => Err(classify_error(&error)),
            }
        })
    }
}

/// Drops the server's text, which often contains the recipient's address.
fn classify_error(error: &smtp::Error) -> MailError {
    match error.status().map(u16::from) {
        Some(code) if error.is_permanent() && !CONFIGURATION_ERRORS.contains(&code) => {
            MailError::Permanent(format!("the mail server responded with {code}"))
        }
        Some(code) => MailError::Transient(format!("the mail server responded with {code}")),
        None if error.is_timeout() => {
            MailError::Transient("the mail server did not respond in time".to_owned())
        }
        None if error.is_tls() => {
            MailError::Transient("TLS with the mail server failed".to_owned())
        }
        None => MailError::Transient("the mail server is unreachable".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tls_is_required_unless_the_server_is_local() {
        for address in [
            "smtps://user:secret@mail.example.org",
            "smtp://user:secret@mail.example.org:587?tls=required",
            "smtp://127.0.0.1:2525",
            "smtp://localhost:2525",
            "smtp://[::1]:2525",
        ] {
            assert!(Smtp::new(address).is_ok(), "{address}");
        }
        for address in [
            "smtp://user:secret@mail.example.org:587",
            "smtp://mail.example.org?tls=opportunistic",
            "smtp://mail.example.org?tls=opportunistic&tls=required",
        ] {
            let error = Smtp::new(address).unwrap_err();
            assert!(matches!(error, SmtpError::Unencrypted), "{address}");
        }
        for address in [
            "",
            "mail.example.org",
            "smtps://",
            "https://mail.example.org",
        ] {
            let error = Smtp::new(address).unwrap_err();
            assert!(!error.to_string().contains("example.org"), "{address}");
        }
    }
}

//! A mail server, spoken to by SMTP (RFC 5321) as RFC 8314 wants it: encrypted, unless it is on this machine.

use std::{net::IpAddr, time::Duration};

use futures::future::BoxFuture;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor, transport::smtp};

use super::{MailError, Mailer};
use crate::mail::Mail;

/// How long the server may take for a step of the conversation; shorter than a mail may take as a whole.
const STEP_LIMIT: Duration = Duration::from_secs(8);

/// Refusals of ourselves and not of the mail, although they are permanent in the words of RFC 4954: somebody has to mend
/// the settings, and the mail waits.
const OUR_FAULT: [u16; 5] = [503, 530, 534, 535, 538];

/// Hands mails to a server.
#[derive(Clone, Debug)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

/// The address of the server can't be used. It isn't repeated: it holds a password.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// It has another form.
    #[error(
        "REVALENZ_SMTP_URL has the form smtps://user:password@host or smtp://user:password@host:587?tls=required"
    )]
    Form,
    /// Everybody on the way could read the mails.
    #[error(
        "REVALENZ_SMTP_URL sends mails in clear; only a server on this machine may get them so"
    )]
    Unencrypted,
}

impl Smtp {
    /// The server at this address.
    pub fn new(address: &str) -> Result<Self, SmtpError> {
        let parsed = url::Url::parse(address).map_err(|_| SmtpError::Form)?;
        let required = parsed
            .query_pairs()
            .find(|(name, _)| name == "tls")
            .is_some_and(|(_, value)| value == "required");
        let host = parsed.host_str().ok_or(SmtpError::Form)?;
        // A scheme that browsers don't know leaves addresses as they are written.
        let here = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback());
        if parsed.scheme() != "smtps" && !required && !here {
            return Err(SmtpError::Unencrypted);
        }
        let builder =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(address).map_err(|_| SmtpError::Form)?;
        Ok(Self(builder.timeout(Some(STEP_LIMIT)).build()))
    }
}

impl Mailer for Smtp {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let composed = mail
                .compose()
                .map_err(|error| MailError::Refused(error.to_string()))?;
            match self.0.send(composed).await {
                Ok(_accepted) => Ok(()),
                Err(error) => Err(sorted(&error)),
            }
        })
    }
}

/// What the server said is not kept: it likes to repeat the recipient's address.
fn sorted(error: &smtp::Error) -> MailError {
    match error.status().map(u16::from) {
        Some(code) if error.is_permanent() && !OUR_FAULT.contains(&code) => {
            MailError::Refused(format!("the mail server answered {code}"))
        }
        Some(code) => MailError::Retry(format!("the mail server answered {code}")),
        None if error.is_timeout() => MailError::Retry("the mail server took too long".to_owned()),
        None if error.is_tls() => {
            MailError::Retry("no encrypted connection to the mail server".to_owned())
        }
        None => MailError::Retry("the mail server can't be reached".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_server_on_this_machine_gets_mails_in_clear() {
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

//! Mail transports.

mod folder;
mod smtp;

use futures::future::BoxFuture;

pub use folder::{Folder, FolderError};
pub use smtp::{Smtp, SmtpError};

use crate::mail::Mail;

/// Why an email was not accepted. The reason is stored and logged, so it has no addresses and no text of the email.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// A temporary failure: the email may be accepted later.
    #[error("{0}")]
    Transient(String),
    /// A permanent failure.
    #[error("{0}")]
    Permanent(String),
}

/// Sends emails. A repeated message has the same [`Mail::id`].
pub trait Mailer: Send + Sync + 'static {
    /// Sends one email.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>>;
}

//! Where mails go: the world outside, behind a trait.

mod folder;
mod smtp;

use futures::future::BoxFuture;

pub use folder::{Folder, FolderError};
pub use smtp::{Smtp, SmtpError};

use crate::mail::Mail;

/// Why a mail was not taken. The reason is kept with the message and logged: no addresses, nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It may be taken later.
    #[error("{0}")]
    Retry(String),
    /// It never will be.
    #[error("{0}")]
    Refused(String),
}

/// Takes mails. A message that comes again has the same [`Mail::id`].
pub trait Mailer: Send + Sync + 'static {
    /// Hands one over.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>>;
}

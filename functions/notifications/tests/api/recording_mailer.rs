//! A mailer that records emails and fails on request.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use futures::future::BoxFuture;
use notifications::{MailError, Mailer, mail::Mail};

/// How the mailer fails.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Error(MailError),
    Panic,
}

#[derive(Debug, Default)]
pub(crate) struct RecordingMailer {
    failures: Mutex<VecDeque<Failure>>,
    mails: Mutex<Vec<Mail>>,
}

impl RecordingMailer {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Fails in this way before it accepts emails.
    pub(crate) fn with_failures(failures: impl IntoIterator<Item = Failure>) -> Arc<Self> {
        Arc::new(Self {
            failures: Mutex::new(failures.into_iter().collect()),
            ..Self::default()
        })
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// The only email.
    pub(crate) fn single(&self) -> Mail {
        let mut mails = self.mails();
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }
}

impl Mailer for RecordingMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            match self.failures.lock().unwrap().pop_front() {
                Some(Failure::Error(error)) => return Err(error),
                Some(Failure::Panic) => {}
                None => {
                    self.mails.lock().unwrap().push(mail.clone());
                    return Ok(());
                }
            }
            panic!("the provider's library has a bug")
        })
    }
}

//! A mailer that remembers, and fails as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use futures::future::BoxFuture;
use notifications::{MailError, Mailer, mail::Mail};

/// What it does with the next mail.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    Fails(MailError),
    Panics,
}

#[derive(Debug, Default)]
pub(crate) struct Post {
    moods: Mutex<VecDeque<Mood>>,
    taken: Mutex<Vec<Mail>>,
}

impl Post {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Fails like this before it takes anything.
    pub(crate) fn in_moods(moods: impl IntoIterator<Item = Mood>) -> Arc<Self> {
        Arc::new(Self {
            moods: Mutex::new(moods.into_iter().collect()),
            ..Self::default()
        })
    }

    pub(crate) fn taken(&self) -> Vec<Mail> {
        self.taken.lock().unwrap().clone()
    }

    /// The one mail that it took.
    pub(crate) fn one(&self) -> Mail {
        let mut taken = self.taken();
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken.remove(0)
    }
}

impl Mailer for Post {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            match self.moods.lock().unwrap().pop_front() {
                Some(Mood::Fails(error)) => return Err(error),
                Some(Mood::Panics) => {}
                None => {
                    self.taken.lock().unwrap().push(mail.clone());
                    return Ok(());
                }
            }
            panic!("the provider's library has a bug")
        })
    }
}

//! Time as an argument.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time to everything that needs it, so that tests and the demo can live at another one.
///
/// Times have microseconds, as PostgreSQL's `timestamptz`.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is moved; clones move together.
    pub fn fixed_at(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.timestamp_micros()))))
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.0 {
            Some(standing) => standing.load(Ordering::SeqCst),
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that asks the machine"
            )]
            None => Utc::now().timestamp_micros(),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Moves a standing clock forward; the machine's clock can't be moved and stays.
    pub fn advance(&self, by: Duration) {
        if let Some(standing) = &self.0 {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            standing.fetch_add(micros, Ordering::SeqCst);
        }
    }

    /// Puts a standing clock to a time; the machine's clock can't be moved and stays.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Some(standing) = &self.0 {
            standing.store(now.timestamp_micros(), Ordering::SeqCst);
        }
    }

    /// The time `by` ago.
    pub fn ago(&self, by: TimeDelta) -> DateTime<Utc> {
        self.now() - by
    }
}

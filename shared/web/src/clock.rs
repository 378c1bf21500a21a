//! The clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// Source of the current time, so that tests and the demo can use another one.
///
/// Times have microsecond precision, like PostgreSQL's `timestamptz`.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock fixed at a time until it is advanced; clones share the time.
    pub fn fixed_at(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.timestamp_micros()))))
    }

    /// The current time.
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.0 {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            #[expect(
                clippy::disallowed_methods,
                reason = "the only place that reads the system time"
            )]
            None => Utc::now().timestamp_micros(),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Advances a fixed clock; has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        if let Some(fixed) = &self.0 {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            fixed.fetch_add(micros, Ordering::SeqCst);
        }
    }

    /// Sets a fixed clock; has no effect on the system clock.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Some(fixed) = &self.0 {
            fixed.store(now.timestamp_micros(), Ordering::SeqCst);
        }
    }

    /// The time `by` ago.
    pub fn ago(&self, by: TimeDelta) -> DateTime<Utc> {
        self.now() - by
    }
}

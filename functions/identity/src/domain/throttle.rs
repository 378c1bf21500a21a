//! Failed sign-ins, and mails that were asked for, counted by account and by address (`decisions.md` 18).
//!
//! Per process and bounded: an entry that is pushed out under a flood is forgotten early, never the other way round.
//! Attempts that run at the same time reserve their place, so that a hundred guesses sent at once are not a hundred tries; who
//! finds all places reserved waits for them, because a success gives its place back.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use access::opaque::sha256;
use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use tokio::sync::Notify;
use web::request::network;

const MOST_REMEMBERED: u64 = 50_000;
/// How long an attempt waits for others to end.
const WAIT: Duration = Duration::from_secs(5);

/// How much is too much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) per_account: u32,
    pub(crate) per_address: u32,
    pub(crate) window: TimeDelta,
}

/// Counts what fails, or every attempt, within a window.
#[derive(Debug)]
pub(crate) struct Throttle {
    accounts: Cache<[u8; 32], Arc<Counter>>,
    addresses: Cache<IpAddr, Arc<Counter>>,
    limits: Limits,
}

/// Why there can be no attempt now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many failures; the window ends after so many seconds.
    TooMany { seconds: i64 },
    /// Too many attempts at the same time.
    Busy,
}

/// An attempt that has its place. Dropped, the place is free again and nothing was counted.
#[derive(Debug)]
pub(crate) struct Attempt {
    places: Vec<Place>,
    window: TimeDelta,
}

#[derive(Debug)]
struct Place(Arc<Counter>);

#[derive(Debug, Default)]
struct Counter {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    running: u32,
    window_ends: DateTime<Utc>,
}

enum Entry {
    Entered,
    Wait,
    Full { seconds: i64 },
}

impl Throttle {
    pub(crate) fn new(limits: Limits) -> Self {
        // Memory is given back by the machine's clock; what counts is decided by ours.
        let idle = limits.window.to_std().unwrap_or_default();
        Self {
            accounts: Cache::builder()
                .max_capacity(MOST_REMEMBERED)
                .time_to_idle(idle)
                .build(),
            addresses: Cache::builder()
                .max_capacity(MOST_REMEMBERED)
                .time_to_idle(idle)
                .build(),
            limits,
        }
    }

    /// Counts an attempt whatever comes of it.
    pub(crate) async fn count(
        &self,
        tenant: &str,
        account: &str,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        self.begin(tenant, account, address, now).await?.failed(now);
        Ok(())
    }

    /// Takes a place for an attempt at `account` of `tenant` from `address`, whether or not they exist.
    pub(crate) async fn begin(
        &self,
        tenant: &str,
        account: &str,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Attempt, Refused> {
        let account = sha256(format!("{tenant}\n{account}").as_bytes());
        let mut counters = Vec::with_capacity(2);
        if let Some(address) = address {
            let counter = self.addresses.get_with(network(address), Arc::default);
            counters.push((counter, self.limits.per_address));
        }
        counters.push((
            self.accounts.get_with(account, Arc::default),
            self.limits.per_account,
        ));
        let mut attempt = Attempt {
            places: Vec::with_capacity(2),
            window: self.limits.window,
        };
        for (counter, limit) in counters {
            attempt.places.push(
                tokio::time::timeout(WAIT, enter(counter, limit, now))
                    .await
                    .map_err(|_| Refused::Busy)??,
            );
        }
        Ok(attempt)
    }
}

async fn enter(counter: Arc<Counter>, limit: u32, now: DateTime<Utc>) -> Result<Place, Refused> {
    loop {
        // Listens before it looks, so that no change falls between.
        let changed = counter.changed.notified();
        match counter.try_enter(limit, now) {
            Entry::Entered => break,
            Entry::Full { seconds } => return Err(Refused::TooMany { seconds }),
            Entry::Wait => changed.await,
        }
    }
    Ok(Place(counter))
}

impl Attempt {
    /// It counts: the password was wrong.
    pub(crate) fn failed(self, now: DateTime<Utc>) {
        for place in &self.places {
            place.0.fail(now, self.window);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0
            .change(|state| state.running = state.running.saturating_sub(1));
        self.0.changed.notify_waiters();
    }
}

impl Counter {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn try_enter(&self, limit: u32, now: DateTime<Utc>) -> Entry {
        self.change(|state| {
            if now >= state.window_ends {
                state.failures = 0;
            }
            if state.failures >= limit {
                let left = (state.window_ends - now).num_milliseconds();
                Entry::Full {
                    seconds: (left + 999) / 1_000,
                }
            } else if state.failures + state.running >= limit {
                Entry::Wait
            } else {
                state.running += 1;
                Entry::Entered
            }
        })
    }

    fn fail(&self, now: DateTime<Utc>, window: TimeDelta) {
        self.change(|state| {
            if state.failures == 0 || now >= state.window_ends {
                state.failures = 0;
                state.window_ends = now + window;
            }
            state.failures += 1;
        });
    }
}

#[cfg(test)]
mod tests;

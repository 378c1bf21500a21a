//! Limits failed sign-ins and requested emails, per account and per IP address (`decisions.md` 18).
//!
//! Counters are per process and bounded: under load, entries may be evicted early, but never kept too long. Concurrent attempts
//! reserve slots, so that a hundred guesses sent at once do not all run; further attempts wait, because a successful attempt
//! frees its slot.

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

const MAX_TRACKED: u64 = 50_000;
/// How long an attempt waits for a slot.
const SLOT_TIMEOUT: Duration = Duration::from_secs(5);

/// The limits of a throttle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) per_account: u32,
    pub(crate) per_address: u32,
    pub(crate) window: TimeDelta,
}

/// Counts failures, or all attempts, within a window.
#[derive(Debug)]
pub(crate) struct Throttle {
    accounts: Cache<[u8; 32], Arc<Counter>>,
    addresses: Cache<IpAddr, Arc<Counter>>,
    limits: Limits,
}

/// Why an attempt is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ThrottleError {
    /// Too many failures; the window ends in `seconds`.
    TooMany { seconds: i64 },
    /// Too many attempts at the same time.
    Busy,
}

/// An attempt that holds a slot. Dropping it frees the slot without counting.
#[derive(Debug)]
pub(crate) struct Attempt {
    slots: Vec<Slot>,
    window: TimeDelta,
}

#[derive(Debug)]
struct Slot(Arc<Counter>);

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

enum Admission {
    Admitted,
    Wait,
    Exhausted { seconds: i64 },
}

impl Throttle {
    pub(crate) fn new(limits: Limits) -> Self {
        // Eviction uses the system clock; the limits use the injected one.
        let idle = limits.window.to_std().unwrap_or_default();
        Self {
            accounts: Cache::builder()
                .max_capacity(MAX_TRACKED)
                .time_to_idle(idle)
                .build(),
            addresses: Cache::builder()
                .max_capacity(MAX_TRACKED)
                .time_to_idle(idle)
                .build(),
            limits,
        }
    }

    /// Counts an attempt regardless of its outcome.
    pub(crate) async fn consume(
        &self,
        tenant: &str,
        account: &str,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(), ThrottleError> {
        self.begin(tenant, account, address, now)
            .await?
            .record_failure(now);
        Ok(())
    }

    /// Reserves a slot for an attempt at `account` of `tenant` from `address`, whether or not they exist.
    pub(crate) async fn begin(
        &self,
        tenant: &str,
        account: &str,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Attempt, ThrottleError> {
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
            slots: Vec::with_capacity(2),
            window: self.limits.window,
        };
        for (counter, limit) in counters {
            attempt.slots.push(
                tokio::time::timeout(SLOT_TIMEOUT, acquire_slot(counter, limit, now))
                    .await
                    .map_err(|_| ThrottleError::Busy)??,
            );
        }
        Ok(attempt)
    }
}

async fn acquire_slot(
    counter: Arc<Counter>,
    limit: u32,
    now: DateTime<Utc>,
) -> Result<Slot, ThrottleError> {
    loop {
        // Subscribe before checking, so that no change is missed.
        let changed = counter.changed.notified();
        match counter.try_acquire(limit, now) {
            Admission::Admitted => break,
            Admission::Exhausted { seconds } => return Err(ThrottleError::TooMany { seconds }),
            Admission::Wait => changed.await,
        }
    }
    Ok(Slot(counter))
}

impl Attempt {
    /// Counts the attempt as failed.
    pub(crate) fn record_failure(self, now: DateTime<Utc>) {
        for slot in &self.slots {
            slot.0.add_failure(now, self.window);
        }
    }
}

impl Drop for Slot {
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

    fn try_acquire(&self, limit: u32, now: DateTime<Utc>) -> Admission {
        self.change(|state| {
            if now >= state.window_ends {
                state.failures = 0;
            }
            if state.failures >= limit {
                let left = (state.window_ends - now).num_milliseconds();
                Admission::Exhausted {
                    seconds: (left + 999) / 1_000,
                }
            } else if state.failures + state.running >= limit {
                Admission::Wait
            } else {
                state.running += 1;
                Admission::Admitted
            }
        })
    }

    fn add_failure(&self, now: DateTime<Utc>, window: TimeDelta) {
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

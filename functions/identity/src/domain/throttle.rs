//! Limits failed sign-ins and requested emails: per account from one network, per account, and per network (`decisions.md` 18).
//!
//! The limit per account from one network comes first, so that an attacker elsewhere does not keep the owner out. The one
//! per account is higher, against guesses from many networks; a network from which the owner has signed in is not subject to it.
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
    /// Of one account, from one network.
    pub(crate) per_account_and_network: u32,
    /// Of one account, from all networks together.
    pub(crate) per_account: u32,
    /// Of all accounts, from one network.
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
        let mut counters = self.counters_of_network(tenant, account, address);
        counters.push((
            self.counter(&format!("{tenant}\n{account}")),
            self.limits.per_account,
        ));
        self.reserve(counters, now).await
    }

    /// The same from a network that the owner of the account is known to use.
    pub(crate) async fn begin_from_known_network(
        &self,
        tenant: &str,
        account: &str,
        address: IpAddr,
        now: DateTime<Utc>,
    ) -> Result<Attempt, ThrottleError> {
        let counters = self.counters_of_network(tenant, account, Some(address));
        self.reserve(counters, now).await
    }

    /// The counters of an attempt in the order in which they are checked. Without an address, all attempts count as one network.
    fn counters_of_network(
        &self,
        tenant: &str,
        account: &str,
        address: Option<IpAddr>,
    ) -> Vec<(Arc<Counter>, u32)> {
        let network = address.map(network);
        let mut counters = Vec::with_capacity(3);
        if let Some(network) = network {
            let counter = self.addresses.get_with(network, Arc::default);
            counters.push((counter, self.limits.per_address));
        }
        let place = network.map_or_else(String::new, |network| network.to_string());
        let limit = self.limits.per_account_and_network;
        counters.push((
            self.counter(&format!("{tenant}\n{account}\n{place}")),
            limit,
        ));
        counters
    }

    fn counter(&self, key: &str) -> Arc<Counter> {
        let key = sha256(key.as_bytes());
        self.accounts.get_with(key, Arc::default)
    }

    async fn reserve(
        &self,
        counters: Vec<(Arc<Counter>, u32)>,
        now: DateTime<Utc>,
    ) -> Result<Attempt, ThrottleError> {
        let mut attempt = Attempt {
            slots: Vec::with_capacity(counters.len()),
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

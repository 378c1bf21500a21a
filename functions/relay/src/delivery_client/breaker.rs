//! Circuit breaker per function: a function that is down is skipped for a while, so that its timeouts do not slow down the others.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::DeliveryOutcome;

/// Consecutive unreachable attempts that open the breaker.
const FAILURE_THRESHOLD: u32 = 5;
/// How long an open breaker skips the function.
const OPEN_DURATION: Duration = Duration::from_secs(5);
/// Successes within this time after a failure do not count: deliveries in flight when a bus fails may still be confirmed.
const IN_FLIGHT_GRACE_PERIOD: Duration = Duration::from_secs(1);

/// The breakers of all functions.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    outages: HashMap<String, Outage>,
    /// When any function last responded.
    last_response_at: Option<Instant>,
}

#[derive(Debug)]
struct Outage {
    attempts: u32,
    since: Instant,
    last_attempt_at: Instant,
    reason: String,
}

impl State {
    /// Outages since which no function has responded.
    fn without_response(&self) -> impl Iterator<Item = &Outage> {
        let responded_after = |time| self.last_response_at.is_some_and(|last| last > time);
        self.outages
            .values()
            .filter(move |outage| !responded_after(outage.since + IN_FLIGHT_GRACE_PERIOD))
    }
}

impl Outage {
    fn is_open(&self) -> bool {
        self.attempts >= FAILURE_THRESHOLD && self.last_attempt_at.elapsed() < OPEN_DURATION
    }
}

impl Breaker {
    /// The outcome to report without asking the function, while its breaker is open.
    pub(super) fn short_circuit(&self, function: &str) -> Option<DeliveryOutcome> {
        let state = self.state();
        let outage = state.outages.get(function)?;
        outage
            .is_open()
            .then(|| DeliveryOutcome::Unreachable(outage.reason.clone()))
    }

    /// Whether a function is down and no other function has responded since.
    pub(super) fn is_outage_suspected(&self) -> bool {
        self.state().without_response().next().is_some()
    }

    /// Whether the breaker of such a function is open.
    pub(super) fn is_outage_confirmed(&self) -> bool {
        self.state().without_response().any(Outage::is_open)
    }

    /// Records the outcome of a delivery.
    pub(super) fn observe(&self, function: &str, outcome: &DeliveryOutcome) {
        let mut state = self.state();
        let DeliveryOutcome::Unreachable(reason) = outcome else {
            state.outages.remove(function);
            state.last_response_at = Some(Instant::now());
            return;
        };
        let outages = &mut state.outages;
        let now = Instant::now();
        let previous = outages.get(function);
        let outage = Outage {
            attempts: previous
                .map_or(0, |outage| outage.attempts)
                .saturating_add(1),
            since: previous.map_or(now, |outage| outage.since),
            last_attempt_at: now,
            reason: reason.clone(),
        };
        outages.insert(function.to_owned(), outage);
    }

    /// Every write leaves the state consistent, so it can be used after a panic elsewhere.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> DeliveryOutcome {
        DeliveryOutcome::Unreachable("down".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn the_breaker_opens_after_consecutive_failures_and_closes_again() {
        let breaker = Breaker::default();
        for _ in 0..FAILURE_THRESHOLD {
            assert_eq!(breaker.short_circuit("a"), None);
            breaker.observe("a", &unreachable());
        }
        assert_eq!(breaker.short_circuit("a"), Some(unreachable()));
        // A success within the grace period says nothing about the bus, a later one does.
        breaker.observe("b", &DeliveryOutcome::Delivered);
        assert!(breaker.is_outage_suspected() && breaker.is_outage_confirmed());
        tokio::time::advance(IN_FLIGHT_GRACE_PERIOD + Duration::from_millis(1)).await;
        breaker.observe("b", &DeliveryOutcome::Delivered);
        assert!(!breaker.is_outage_suspected() && !breaker.is_outage_confirmed());
        breaker.observe("b", &unreachable());
        assert!(breaker.is_outage_suspected() && !breaker.is_outage_confirmed());
        breaker.observe("b", &DeliveryOutcome::Delivered);
        assert_eq!(breaker.short_circuit("b"), None);
        tokio::time::advance(OPEN_DURATION).await;
        assert_eq!(breaker.short_circuit("a"), None);
        // Still down: one attempt is enough to open the breaker again.
        breaker.observe("a", &unreachable());
        assert_eq!(breaker.short_circuit("a"), Some(unreachable()));
        tokio::time::advance(OPEN_DURATION).await;
        breaker.observe("a", &DeliveryOutcome::Retry("busy".to_owned()));
        breaker.observe("a", &unreachable());
        assert_eq!(breaker.short_circuit("a"), None);
    }
}

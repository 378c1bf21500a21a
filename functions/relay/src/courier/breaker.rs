//! A function that is away is left alone for a while, so that waiting for it does not hold up the others.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::Delivery;

/// So many times in a row nobody was there.
const TRIES: u32 = 5;
/// Then for so long nobody is asked.
const REST: Duration = Duration::from_secs(5);
/// What was under way when a bus went may still be confirmed for so long.
const ECHO: Duration = Duration::from_secs(1);

/// What is known of functions that are away.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    absences: HashMap<String, Absence>,
    /// When anybody at all was there.
    met: Option<Instant>,
}

#[derive(Debug)]
struct Absence {
    tries: u32,
    since: Instant,
    last: Instant,
    reason: String,
}

impl Known {
    /// Those that are away, and since then nobody was met.
    fn lonely(&self) -> impl Iterator<Item = &Absence> {
        let met_after = |time| self.met.is_some_and(|met| met > time);
        self.absences
            .values()
            .filter(move |absence| !met_after(absence.since + ECHO))
    }
}

impl Absence {
    fn rests(&self) -> bool {
        self.tries >= TRIES && self.last.elapsed() < REST
    }
}

impl Breaker {
    /// What asking would come to, when it is known without asking.
    pub(super) fn foretell(&self, function: &str) -> Option<Delivery> {
        let known = self.known();
        let absence = known.absences.get(function)?;
        absence
            .rests()
            .then(|| Delivery::Unreachable(absence.reason.clone()))
    }

    /// Whether somebody is away, and nobody else was met since.
    pub(super) fn meets_nobody(&self) -> bool {
        self.known().lonely().next().is_some()
    }

    /// Whether one of those is left alone now.
    pub(super) fn waits_for_anybody(&self) -> bool {
        self.known().lonely().any(Absence::rests)
    }

    /// Learns from a delivery.
    pub(super) fn learn(&self, function: &str, delivery: &Delivery) {
        let mut known = self.known();
        let Delivery::Unreachable(reason) = delivery else {
            known.absences.remove(function);
            known.met = Some(Instant::now());
            return;
        };
        let absences = &mut known.absences;
        let now = Instant::now();
        let before = absences.get(function);
        let absence = Absence {
            tries: before.map_or(0, |one| one.tries).saturating_add(1),
            since: before.map_or(now, |one| one.since),
            last: now,
            reason: reason.clone(),
        };
        absences.insert(function.to_owned(), absence);
    }

    /// A panic elsewhere leaves figures that are still figures.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Delivery {
        Delivery::Unreachable("away".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn after_some_tries_in_vain_a_function_is_left_alone_for_a_while() {
        let breaker = Breaker::default();
        for _ in 0..TRIES {
            assert_eq!(breaker.foretell("a"), None);
            breaker.learn("a", &away());
        }
        assert_eq!(breaker.foretell("a"), Some(away()));
        // What was on its way to others says nothing of the bus, what is taken later does.
        breaker.learn("b", &Delivery::Delivered);
        assert!(breaker.meets_nobody() && breaker.waits_for_anybody());
        tokio::time::advance(ECHO + Duration::from_millis(1)).await;
        breaker.learn("b", &Delivery::Delivered);
        assert!(!breaker.meets_nobody() && !breaker.waits_for_anybody());
        breaker.learn("b", &away());
        assert!(breaker.meets_nobody() && !breaker.waits_for_anybody());
        breaker.learn("b", &Delivery::Delivered);
        assert_eq!(breaker.foretell("b"), None);
        tokio::time::advance(REST).await;
        assert_eq!(breaker.foretell("a"), None);
        // Still away: one try is enough to know.
        breaker.learn("a", &away());
        assert_eq!(breaker.foretell("a"), Some(away()));
        tokio::time::advance(REST).await;
        breaker.learn("a", &Delivery::Retry("busy".to_owned()));
        breaker.learn("a", &away());
        assert_eq!(breaker.foretell("a"), None);
    }
}

//! How many requests are under way at once: bounded for the process, and for each part of its callers, so that one that
//! waits for a slow answer a hundred times does not take the place of all others.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ids::TenantId;

/// Who shares places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    /// All requests of the process.
    Everybody,
    /// Whoever shows no credential.
    Strangers,
    /// Strangers from one network.
    Address(IpAddr),
    /// The people and keys of a tenant.
    Tenant(TenantId),
}

impl Party {
    /// How many of `most` places the party may have. An address has few: a request without a credential costs its sender
    /// nothing, and may send its body slowly.
    fn share(self, most: usize) -> usize {
        let share = match self {
            Self::Everybody => most,
            Self::Strangers | Self::Tenant(_) => most / 2,
            Self::Address(_) => most / 8,
        };
        share.max(1)
    }

    fn label(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Strangers => "strangers",
            Self::Address(_) => "address",
            Self::Tenant(_) => "tenant",
        }
    }
}

/// The requests under way. Remembers only parties that have some.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    most: usize,
    taken: Arc<Mutex<HashMap<Party, usize>>>,
}

/// A place among them; dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Place {
    party: Party,
    taken: Arc<Mutex<HashMap<Party, usize>>>,
}

impl InFlight {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// A place for a request of this party, unless its share is used up.
    pub(crate) fn enter(&self, party: Party) -> Option<Place> {
        let mut taken = lock(&self.taken);
        let count = taken.get(&party).copied().unwrap_or_default();
        if count >= party.share(self.most) {
            drop(taken);
            metrics::counter!("http_requests_shed_total", "party" => party.label()).increment(1);
            return None;
        }
        taken.insert(party, count + 1);
        Some(Place {
            party,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        match taken.get_mut(&self.party) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.party)),
        }
    }
}

fn lock(taken: &Mutex<HashMap<Party, usize>>) -> MutexGuard<'_, HashMap<Party, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> Party {
        Party::Tenant(TenantId::at("2026-11-20T10:00:00Z".parse().unwrap()))
    }

    #[test]
    fn a_tenant_has_half_of_the_places_and_leaves_the_other_half() {
        let in_flight = InFlight::new(8);
        let (noisy, quiet) = (tenant(), tenant());
        let mut places: Vec<_> = (0..4).map_while(|_| in_flight.enter(noisy)).collect();
        assert_eq!(places.len(), 4);
        assert!(in_flight.enter(noisy).is_none());
        assert!(in_flight.enter(quiet).is_some());
        places.pop();
        assert!(in_flight.enter(noisy).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_those_who_left() {
        let in_flight = InFlight::new(1_000);
        for _ in 0..3 {
            let places: Vec<_> = (0..500).map(|_| in_flight.enter(tenant())).collect();
            assert!(places.iter().all(Option::is_some));
            assert_eq!(lock(&in_flight.taken).len(), 500);
        }
        assert!(lock(&in_flight.taken).is_empty());
    }

    #[test]
    fn threads_together_never_have_more_than_the_share() {
        let in_flight = InFlight::new(16);
        let party = tenant();
        let at_once = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let Some(_place) = in_flight.enter(party) else {
                            continue;
                        };
                        let others = at_once.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert!(others < 8);
                        at_once.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(lock(&in_flight.taken).is_empty());
    }

    #[test]
    fn a_process_with_one_place_still_answers() {
        let in_flight = InFlight::new(1);
        for party in [Party::Everybody, Party::Strangers, tenant()] {
            assert!(in_flight.enter(party).is_some());
        }
    }
}

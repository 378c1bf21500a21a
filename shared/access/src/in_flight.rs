//! How many requests are under way at once: bounded for the process, and for each part of its callers, so that one that
//! waits for a slow answer a hundred times does not take the place of all others.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ids::TenantId;

/// Who shares permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PermitOwner {
    /// All requests of the process.
    Process,
    /// Whoever shows no credential.
    Anonymous,
    /// Anonymous from one network.
    Address(IpAddr),
    /// The people and keys of a tenant.
    Tenant(TenantId),
}

impl PermitOwner {
    /// How many of `max` permits the owner may have. An address has few: a request without a credential costs its sender
    /// nothing, and may send its body slowly.
    fn share(self, max: usize) -> usize {
        let share = match self {
            Self::Process => max,
            Self::Anonymous | Self::Tenant(_) => max / 2,
            Self::Address(_) => max / 8,
        };
        share.max(1)
    }

    fn label(self) -> &'static str {
        match self {
            Self::Process => "everybody",
            Self::Anonymous => "strangers",
            Self::Address(_) => "address",
            Self::Tenant(_) => "tenant",
        }
    }
}

/// The requests under way. Remembers only parties that have some.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    max: usize,
    taken: Arc<Mutex<HashMap<PermitOwner, usize>>>,
}

/// A place among them; dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Permit {
    owner: PermitOwner,
    taken: Arc<Mutex<HashMap<PermitOwner, usize>>>,
}

impl InFlight {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            taken: Arc::default(),
        }
    }

    /// A place for a request of this owner, unless its share is used up.
    pub(crate) fn acquire(&self, owner: PermitOwner) -> Option<Permit> {
        let mut taken = lock(&self.taken);
        let count = taken.get(&owner).copied().unwrap_or_default();
        if count >= owner.share(self.max) {
            drop(taken);
            metrics::counter!("http_requests_shed_total", "party" => owner.label()).increment(1);
            return None;
        }
        taken.insert(owner, count + 1);
        Some(Permit {
            owner,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        match taken.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.owner)),
        }
    }
}

fn lock(taken: &Mutex<HashMap<PermitOwner, usize>>) -> MutexGuard<'_, HashMap<PermitOwner, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> PermitOwner {
        PermitOwner::Tenant(TenantId::at("2026-11-20T10:00:00Z".parse().unwrap()))
    }

    #[test]
    fn a_tenant_has_half_of_the_places_and_leaves_the_other_half() {
        let in_flight = InFlight::new(8);
        let (noisy, quiet) = (tenant(), tenant());
        let mut permits: Vec<_> = (0..4).map_while(|_| in_flight.acquire(noisy)).collect();
        assert_eq!(permits.len(), 4);
        assert!(in_flight.acquire(noisy).is_none());
        assert!(in_flight.acquire(quiet).is_some());
        permits.pop();
        assert!(in_flight.acquire(noisy).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_those_who_left() {
        let in_flight = InFlight::new(1_000);
        for _ in 0..3 {
            let permits: Vec<_> = (0..500).map(|_| in_flight.acquire(tenant())).collect();
            assert!(permits.iter().all(Option::is_some));
            assert_eq!(lock(&in_flight.taken).len(), 500);
        }
        assert!(lock(&in_flight.taken).is_empty());
    }

    #[test]
    fn threads_together_never_have_more_than_the_share() {
        let in_flight = InFlight::new(16);
        let owner = tenant();
        let at_once = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let Some(_permit) = in_flight.acquire(owner) else {
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
        for owner in [PermitOwner::Process, PermitOwner::Anonymous, tenant()] {
            assert!(in_flight.acquire(owner).is_some());
        }
    }
}

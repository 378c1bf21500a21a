//! Concurrency limits: for the process, and for each group of callers, so that one group with many slow requests cannot starve
//! the others.

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
    /// Requests without credentials.
    Anonymous,
    /// Requests without credentials from one network.
    Address(IpAddr),
    /// People and keys of a tenant.
    Tenant(TenantId),
}

impl PermitOwner {
    /// How many of `max` permits the group may hold. An address gets few: anonymous requests are cheap to send and may send
    /// their body slowly.
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

/// Requests in flight. Only groups with permits in use take memory.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    max: usize,
    taken: Arc<Mutex<HashMap<PermitOwner, usize>>>,
}

/// A permit for one request; released when dropped.
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

    /// Acquires a permit for a request of this group, unless its share is used up.
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
    fn a_tenant_gets_at_most_half_of_the_permits() {
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
    fn released_groups_take_no_memory() {
        let in_flight = InFlight::new(1_000);
        for _ in 0..3 {
            let permits: Vec<_> = (0..500).map(|_| in_flight.acquire(tenant())).collect();
            assert!(permits.iter().all(Option::is_some));
            assert_eq!(lock(&in_flight.taken).len(), 500);
        }
        assert!(lock(&in_flight.taken).is_empty());
    }

    #[test]
    fn concurrent_threads_never_exceed_the_share() {
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
    fn a_process_with_one_permit_still_serves_everyone() {
        let in_flight = InFlight::new(1);
        for owner in [PermitOwner::Process, PermitOwner::Anonymous, tenant()] {
            assert!(in_flight.acquire(owner).is_some());
        }
    }
}

//! Monthly request quota of a tenant (`decisions.md` 29). Each process leases blocks of requests and counts them in memory.
//!
//! The quota is never exceeded, however many processes there are. The rest of a block is lost when a process ends, so slightly
//! fewer requests may be served. Most requests cost one atomic operation, one in a hundred a short transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Datelike, Utc};
use db::ActorKind;
use ids::TenantId;
use moka::sync::Cache;
use tokio::sync::Mutex;
use web::{Problem, RequestInfo};

use super::Authenticator;
use crate::{
    Principal, quota,
    usage::{API_REQUESTS, Allowance},
};

/// Maximum number of tenants with a block in memory; an evicted block is lost.
const MAX_TENANTS: u64 = 10_000;
/// A block is dropped after this time without requests.
const IDLE_TIMEOUT: Duration = Duration::from_hours(24);

/// The leased blocks by tenant.
#[derive(Debug)]
pub(super) struct RequestQuota(Cache<TenantId, Arc<Block>>);

/// A block of requests leased for a tenant.
#[derive(Debug, Default)]
struct Block {
    /// The month in the upper half, the remaining requests of the block in the lower half.
    state: AtomicU64,
    /// Held while leasing the next block. Contains the month and limit for which nothing was left.
    exhausted: Mutex<Option<(u32, i64)>>,
}

impl RequestQuota {
    pub(super) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(MAX_TENANTS)
            .time_to_idle(IDLE_TIMEOUT)
            .build();
        Self(cache)
    }
}

impl Block {
    /// Takes one request from the block, if there is one left for this month.
    fn try_consume(&self, month: u32) -> bool {
        self.state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                let (of, left) = unpack(state);
                (of == month && left > 0).then(|| state - 1)
            })
            .is_ok()
    }

    /// Starts a new block, and takes one request from it.
    fn start(&self, month: u32, requests: u32) {
        let state = u64::from(month) << 32 | u64::from(requests.saturating_sub(1));
        self.state.store(state, Ordering::Release);
    }
}

fn unpack(state: u64) -> (u32, u32) {
    let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
    (half(state >> 32), half(state))
}

/// Months since the year 0, counted from 1; 0 is never a valid month.
fn month_number(now: DateTime<Utc>) -> u32 {
    u32::try_from(now.year()).unwrap_or_default() * 12 + now.month()
}

impl Authenticator {
    /// Counts a request against the tenant's monthly quota: `429` if it is used up. Platform staff and authentication
    /// requests are not counted.
    pub(super) async fn count_request(
        &self,
        principal: &Principal,
        request: &RequestInfo,
    ) -> Result<(), Problem> {
        let Some(allowance) = principal.tenant.allowance(API_REQUESTS) else {
            return Ok(());
        };
        let staff = principal.is_superadmin() || principal.actor.kind == ActorKind::Superadmin;
        if staff || is_auth_path(request.path()) {
            return Ok(());
        }
        let tenant = principal.tenant.id;
        let block = self.request_quota.0.get_with(tenant, Arc::default);
        let now = self.clock.now();
        if block.try_consume(month_number(now)) {
            return Ok(());
        }
        self.next_block(tenant, &block, allowance, now).await
    }

    async fn next_block(
        &self,
        tenant: TenantId,
        block: &Block,
        allowance: Allowance,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let month = month_number(now);
        let mut exhausted = block.exhausted.lock().await;
        // Another request leased a block in the meantime.
        if block.try_consume(month) {
            return Ok(());
        }
        let refusal = || quota::exceeded(API_REQUESTS, allowance.limit, now);
        // The quota is not refilled within a month; only a changed limit is worth another query.
        if allowance.hard && *exhausted == Some((month, allowance.limit)) {
            return Err(refusal());
        }
        let requests = quota::lease(&self.db, tenant, allowance, now).await?;
        if requests == 0 {
            *exhausted = Some((month, allowance.limit));
            return Err(refusal());
        }
        block.start(month, requests);
        Ok(())
    }
}

fn is_auth_path(path: &str) -> bool {
    let below_base = path
        .strip_prefix("/api/v1/")
        .or_else(|| path.strip_prefix("/api/"));
    below_base.is_some_and(|rest| rest.starts_with("auth/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_consumed_completely_and_expires_with_its_month() {
        let block = Block::default();
        assert!(!block.try_consume(1), "no block yet");
        block.start(1, 3);
        assert!(block.try_consume(1) && block.try_consume(1));
        assert!(
            !block.try_consume(1),
            "the first of three was consumed on start"
        );
        block.start(1, 3);
        assert!(!block.try_consume(2), "another month");
        assert!(block.try_consume(1));
    }

    #[test]
    fn concurrent_threads_never_consume_more_than_the_block() {
        let block = Block::default();
        block.start(24_323, 1_001);
        let counted = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while block.try_consume(24_323) {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(counted.into_inner(), 1_000);
    }

    #[test]
    fn authentication_requests_are_recognised_by_path() {
        for path in ["/api/v1/auth/status", "/api/auth/logout"] {
            assert!(is_auth_path(path), "{path}");
        }
        for path in [
            "/api/v1/tickets",
            "/api/v1/authors",
            "/api/v1/tickets/auth/",
            "/auth/",
        ] {
            assert!(!is_auth_path(path), "{path}");
        }
    }
}

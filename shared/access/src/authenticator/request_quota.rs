//! The monthly requests of a tenant (`decisions.md` 29): this process takes blocks of them and counts them off in memory.
//!
//! Never more than the licence allows, however many processes there are; what is left of a block when a process ends is lost,
//! so it may be fewer. Most requests cost an atomic number, one in a hundred a short transaction.

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
    usage::{Allowance, Metric},
};

/// Tenants whose blocks are remembered; a block that is pushed out is lost.
const MAX_TENANTS: u64 = 10_000;
/// A tenant that was quiet for so long begins a new block.
const IDLE_TIMEOUT: Duration = Duration::from_hours(24);

/// The blocks of the tenants that call here.
#[derive(Debug)]
pub(super) struct RequestQuota(Cache<TenantId, Arc<Block>>);

/// What this process has taken for a tenant.
#[derive(Debug, Default)]
struct Block {
    /// The month in the upper half, how many requests are left of the block in the lower.
    state: AtomicU64,
    /// Held by the one who takes the next block. Inside: the month and the limit at which nothing was left.
    taking: Mutex<Option<(u32, i64)>>,
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
    /// Counts one request off, if there is one left of this month.
    fn count_off(&self, month: u32) -> bool {
        self.state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                let (of, left) = parts(state);
                (of == month && left > 0).then(|| state - 1)
            })
            .is_ok()
    }

    /// A new block, of which one request is counted off at once.
    fn begin(&self, month: u32, requests: u32) {
        let state = u64::from(month) << 32 | u64::from(requests.saturating_sub(1));
        self.state.store(state, Ordering::Release);
    }
}

fn parts(state: u64) -> (u32, u32) {
    let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
    (half(state >> 32), half(state))
}

/// Months since the year 0, and one: never 0, which is no month.
fn month_number(now: DateTime<Utc>) -> u32 {
    u32::try_from(now.year()).unwrap_or_default() * 12 + now.month()
}

impl Authenticator {
    /// Counts a request off the month of its tenant: `429` when the licence allows no more. The platform's own staff pays
    /// nothing, and neither does signing in or out.
    pub(super) async fn count_request(
        &self,
        principal: &Principal,
        request: &RequestInfo,
    ) -> Result<(), Problem> {
        let Some(allowance) = principal.tenant.allowance(Metric::ApiRequests) else {
            return Ok(());
        };
        let staff = principal.is_superadmin() || principal.actor.kind == ActorKind::Superadmin;
        if staff || is_auth_path(request.path()) {
            return Ok(());
        }
        let tenant = principal.tenant.id;
        let block = self.request_quota.0.get_with(tenant, Arc::default);
        let now = self.clock.now();
        if block.count_off(month_number(now)) {
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
        let mut empty = block.taking.lock().await;
        // Somebody else took one while this request waited.
        if block.count_off(month) {
            return Ok(());
        }
        let refusal = || quota::exceeded(Metric::ApiRequests, allowance.limit, now);
        // Nothing comes back within a month: only another limit is worth asking again.
        if allowance.hard && *empty == Some((month, allowance.limit)) {
            return Err(refusal());
        }
        let requests = quota::lease(&self.db, tenant, allowance, now).await?;
        if requests == 0 {
            *empty = Some((month, allowance.limit));
            return Err(refusal());
        }
        block.begin(month, requests);
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
    fn a_block_is_counted_off_to_the_last_request_and_ends_with_its_month() {
        let block = Block::default();
        assert!(!block.count_off(1), "nothing was taken yet");
        block.begin(1, 3);
        assert!(block.count_off(1) && block.count_off(1));
        assert!(!block.count_off(1), "the first of three was counted off");
        block.begin(1, 3);
        assert!(!block.count_off(2), "another month");
        assert!(block.count_off(1));
    }

    #[test]
    fn threads_together_count_off_no_more_than_there_is() {
        let block = Block::default();
        block.begin(24_323, 1_001);
        let counted = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while block.count_off(24_323) {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(counted.into_inner(), 1_000);
    }

    #[test]
    fn signing_in_is_told_from_its_path() {
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

//! Rate limits per minute with the generic cell rate algorithm (GCRA).
//!
//! Limits apply per process, and the number of buckets is bounded: a bucket that is evicted under a flood starts full again, so
//! that no caller is rejected because of another's requests.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use ids::{ApiKeyId, TenantId, UserId};
use moka::sync::Cache;
use web::Quota;

/// Length of the window in seconds.
const WINDOW_SECONDS: u32 = 60;
const SECOND: i64 = 1_000_000_000;
const WINDOW: i64 = WINDOW_SECONDS as i64 * SECOND;
const MAX_BUCKETS: u64 = 50_000;

/// What a request is counted against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RateLimitKey {
    /// A person, across all sessions.
    User(TenantId, UserId),
    /// A tenant's key.
    Key(TenantId, ApiKeyId),
    /// Requests from this network without valid credentials.
    Address(IpAddr),
}

impl RateLimitKey {
    fn policy(self) -> &'static str {
        match self {
            Self::User(..) => "user",
            Self::Key(..) => "key",
            Self::Address(_) => "address",
        }
    }
}

/// The decision on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The remaining quota.
    pub(crate) quota: Quota,
    /// Seconds to wait before retrying, if the limit is exceeded.
    pub(crate) retry_after_seconds: Option<u32>,
}

/// The buckets of recent callers.
#[derive(Debug)]
pub(crate) struct RateLimits(Cache<RateLimitKey, Arc<Bucket>>);

impl RateLimits {
    pub(crate) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(MAX_BUCKETS)
            // After a window without requests a bucket is full again and can be dropped.
            .time_to_idle(Duration::from_secs(WINDOW_SECONDS.into()))
            .build();
        Self(cache)
    }

    /// Whether the next request against `key` would be refused.
    pub(crate) fn is_exhausted(&self, key: RateLimitKey, limit: u32, now: DateTime<Utc>) -> bool {
        let now = now.timestamp_nanos_opt().unwrap_or(i64::MAX / 2);
        self.0
            .get(&key)
            .is_some_and(|bucket| bucket.is_exhausted(limit, now))
    }

    /// Counts a request against `key` with `limit` requests per minute.
    pub(crate) fn consume(&self, key: RateLimitKey, limit: u32, now: DateTime<Utc>) -> Decision {
        let bucket = self.0.get_with(key, Arc::default);
        // Valid until the year 2262.
        let now = now.timestamp_nanos_opt().unwrap_or(i64::MAX / 2);
        bucket.take(key.policy(), limit, now)
    }
}

/// The theoretical arrival time in nanoseconds since 1970: every request moves it one step into the future, at most one window
/// ahead.
#[derive(Debug, Default)]
struct Bucket(AtomicI64);

impl Bucket {
    fn is_exhausted(&self, limit: u32, now: i64) -> bool {
        let step = WINDOW / i64::from(limit.max(1));
        let whole = step * i64::from(limit.max(1));
        let debt = self.0.load(Ordering::Relaxed).saturating_sub(now);
        debt.clamp(0, whole) + step > whole
    }

    fn take(&self, policy: &'static str, limit: u32, now: i64) -> Decision {
        let limit = limit.max(1);
        let step = WINDOW / i64::from(limit);
        let whole = step * i64::from(limit);
        // After a clock step back or a lower limit, the debt is never more than one window.
        let debt_before = |full_at: i64| full_at.saturating_sub(now).clamp(0, whole);
        let debt_after = |debt: i64| {
            if debt + step <= whole {
                debt + step
            } else {
                debt
            }
        };
        let renewed = |full_at| Some(now.saturating_add(debt_after(debt_before(full_at))));
        let (Ok(before) | Err(before)) =
            self.0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, renewed);
        let before = debt_before(before);
        let after = debt_after(before);
        let wait = before + step - whole;
        Decision {
            quota: Quota {
                policy,
                limit,
                window_seconds: WINDOW_SECONDS,
                remaining: saturate((whole - after) / step),
                reset_seconds: seconds(after),
            },
            retry_after_seconds: (wait > 0).then(|| seconds(wait)),
        }
    }
}

/// Rounds up to whole seconds.
fn seconds(nanoseconds: i64) -> u32 {
    saturate((nanoseconds + SECOND - 1) / SECOND)
}

fn saturate(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

//! So many requests a minute: buckets that refill evenly (GCRA, the leaky bucket read as one time).
//!
//! Per process, and bounded: a bucket that is pushed out under a flood is forgotten early, and so full again; nobody is
//! refused for another's requests.

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

/// Seconds over which a limit counts.
const WINDOW_SECONDS: u32 = 60;
const SECOND: i64 = 1_000_000_000;
const WINDOW: i64 = WINDOW_SECONDS as i64 * SECOND;
const MAX_BUCKETS: u64 = 50_000;

/// Who is charged for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RateLimitKey {
    /// A person, whatever their sessions.
    User(TenantId, UserId),
    /// A tenant's key.
    Key(TenantId, ApiKeyId),
    /// Whoever shows no credential, or a bad one, from this network.
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

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// What is left now.
    pub(crate) quota: Quota,
    /// In how many seconds to come again, if it was too many.
    pub(crate) retry_after_seconds: Option<u32>,
}

/// The buckets of everybody who called lately.
#[derive(Debug)]
pub(crate) struct RateLimits(Cache<RateLimitKey, Arc<Bucket>>);

impl RateLimits {
    pub(crate) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(MAX_BUCKETS)
            // After a window without a request a bucket is full: as good as none.
            .time_to_idle(Duration::from_secs(WINDOW_SECONDS.into()))
            .build();
        Self(cache)
    }

    /// Charges a request to `key`, who has `limit` of them a minute.
    pub(crate) fn consume(&self, key: RateLimitKey, limit: u32, now: DateTime<Utc>) -> Decision {
        let bucket = self.0.get_with(key, Arc::default);
        // Good until the year 2262.
        let now = now.timestamp_nanos_opt().unwrap_or(i64::MAX / 2);
        bucket.take(key.policy(), limit, now)
    }
}

/// When it is full again, in nanoseconds since 1970: every request takes a step further into the future, and may not reach
/// further than a window.
#[derive(Debug, Default)]
struct Bucket(AtomicI64);

impl Bucket {
    fn take(&self, policy: &'static str, limit: u32, now: i64) -> Decision {
        let limit = limit.max(1);
        let step = WINDOW / i64::from(limit);
        let whole = step * i64::from(limit);
        // A clock that went back, or a limit that became smaller: never more than a window of debt.
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
                remaining: narrow((whole - after) / step),
                reset_seconds: seconds(after),
            },
            retry_after_seconds: (wait > 0).then(|| seconds(wait)),
        }
    }
}

/// Begun seconds count as whole ones.
fn seconds(nanoseconds: i64) -> u32 {
    narrow((nanoseconds + SECOND - 1) / SECOND)
}

fn narrow(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

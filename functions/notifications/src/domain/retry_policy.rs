//! When a message that could not be sent is retried.

use chrono::{DateTime, TimeDelta, Utc};

/// Age at which retries end: operators of the mail server have a day, nights included.
const MAX_RETRY_AGE: TimeDelta = TimeDelta::hours(24);
/// Number of attempts after which a message fails even if none of them finished. Attempts that end without a result usually mean
/// that the process crashed, so the limit is above the attempts of a whole day (fewer than 200). It stops a message that
/// crashes its sender every time.
pub(crate) const MAX_ATTEMPTS: i32 = 250;
const INITIAL_BACKOFF_SECONDS: i64 = 15;
const MAX_BACKOFF_SECONDS: i64 = 15 * 60;

/// Whether a message of this age is no longer retried.
pub(crate) fn is_exhausted(created_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - created_at >= MAX_RETRY_AGE
}

/// The delay after this many attempts. It doubles each time; `random` (any number) selects a point in its upper half, so that
/// messages that failed together are not retried together.
pub(crate) fn backoff(attempts: i32, random: u32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1))
        .unwrap_or_default()
        .min(16);
    let max_ms = (INITIAL_BACKOFF_SECONDS << doublings).min(MAX_BACKOFF_SECONDS) * 1_000;
    let half_ms = max_ms / 2;
    TimeDelta::milliseconds(half_ms + half_ms * i64::from(random) / i64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_of_retries_stays_below_the_maximum_of_attempts() {
        let (mut attempts, mut age) = (1, TimeDelta::zero());
        while age < MAX_RETRY_AGE {
            age += backoff(attempts, 0);
            attempts += 1;
        }
        assert!(attempts < MAX_ATTEMPTS - 50, "{attempts} attempts");
    }

    proptest! {
        #[test]
        fn a_delay_lies_in_the_upper_half_and_never_shrinks(attempts in 1..i32::MAX, random: u32) {
            let (min, max) = (backoff(attempts, 0), backoff(attempts, u32::MAX));
            prop_assert!(min <= backoff(attempts, random) && backoff(attempts, random) <= max);
            prop_assert_eq!(min * 2, max);
            prop_assert!(backoff(attempts.saturating_add(1), 0) >= min);
            prop_assert!(max <= TimeDelta::minutes(15));
        }
    }
}

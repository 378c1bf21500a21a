//! Exponential backoff between attempts.

use std::time::Duration;

/// Exponential backoff with full jitter, so that events that failed together are not retried together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Upper bound of the delay after the first attempt.
    pub initial: Duration,
    /// By how much the upper bound grows with each attempt.
    pub factor: u32,
    /// Upper bound of every delay.
    pub max: Duration,
}

impl Default for Backoff {
    /// Eight attempts take about 18 minutes, at most 36: long enough for a function to restart.
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            factor: 4,
            max: Duration::from_mins(15),
        }
    }
}

impl Backoff {
    /// The delay after this many attempts. `jitter` is between 0 and 1.
    pub fn delay(&self, attempts: i32, jitter: f64) -> Duration {
        self.upper_bound(attempts).mul_f64(jitter.clamp(0.0, 1.0))
    }

    fn upper_bound(&self, attempts: i32) -> Duration {
        let exponent = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
        self.factor
            .checked_pow(exponent)
            .and_then(|factor| self.initial.checked_mul(factor))
            .map_or(self.max, |delay| delay.min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn upper_bounds_grow_up_to_the_maximum() {
        let seconds: Vec<u64> = (1..=8)
            .map(|attempts| Backoff::default().delay(attempts, 1.0).as_secs())
            .collect();
        assert_eq!(seconds, [1, 4, 16, 64, 256, 900, 900, 900]);
    }

    proptest! {
        #[test]
        fn a_delay_never_exceeds_its_maximum(attempts in any::<i32>(), jitter in 0.0..=1.0_f64) {
            let backoff = Backoff::default();
            prop_assert!(backoff.delay(attempts, jitter) <= backoff.max);
            prop_assert!(backoff.delay(attempts, jitter) <= backoff.delay(attempts.saturating_add(1), jitter));
            prop_assert_eq!(backoff.delay(attempts, 0.0), Duration::ZERO);
        }
    }
}

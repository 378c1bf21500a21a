//! How long to wait before the next try.

use std::time::Duration;

/// Waits that grow up to a limit, each cut short by chance ("full jitter"), so that what failed together does not come
/// again together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first try.
    pub first: Duration,
    /// How many times longer the next one may be.
    pub factor: u32,
    /// The longest wait of all.
    pub longest: Duration,
}

impl Default for Backoff {
    /// Eight tries then take about 18 minutes, at most 36: a function that restarts is back long before.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            factor: 4,
            longest: Duration::from_mins(15),
        }
    }
}

impl Backoff {
    /// The wait after so many tries; `draw` is from 0 to 1.
    pub fn delay(&self, tries: i32, draw: f64) -> Duration {
        self.ceiling(tries).mul_f64(draw.clamp(0.0, 1.0))
    }

    fn ceiling(&self, tries: i32) -> Duration {
        let exponent = u32::try_from(tries.saturating_sub(1)).unwrap_or_default();
        self.factor
            .checked_pow(exponent)
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.longest, |wait| wait.min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_waits_are_these() {
        let seconds: Vec<u64> = (1..=8)
            .map(|tries| Backoff::default().delay(tries, 1.0).as_secs())
            .collect();
        assert_eq!(seconds, [1, 4, 16, 64, 256, 900, 900, 900]);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_its_limit(tries in any::<i32>(), draw in 0.0..=1.0_f64) {
            let backoff = Backoff::default();
            prop_assert!(backoff.delay(tries, draw) <= backoff.longest);
            prop_assert!(backoff.delay(tries, draw) <= backoff.delay(tries.saturating_add(1), draw));
            prop_assert_eq!(backoff.delay(tries, 0.0), Duration::ZERO);
        }
    }
}

//! When a message that could not be sent is tried again.

use chrono::{DateTime, TimeDelta, Utc};

/// For how long what may be taken later is tried again: whoever looks after the mail server has a day, nights included.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// After how many tries that came to no end. It says more about the machine than about the mail when senders die, so it
/// takes many, and more than the tries that a day of patience can hold (below 200); but a mail that takes its sender with it
/// must not do so for ever.
pub(crate) const MOST_DEATHS: i32 = 250;
const FIRST_PAUSE_S: i64 = 15;
const LONGEST_PAUSE_S: i64 = 15 * 60;

/// Whether a message of this age has been tried for long enough.
pub(crate) fn is_over(created_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - created_at >= PATIENCE
}

/// The pause after this many tries. It doubles, and `chance` (any number) puts it somewhere in its upper half, so that
/// what failed together does not come back together.
pub(crate) fn pause(tries: i32, chance: u32) -> TimeDelta {
    let doublings = u32::try_from(tries.saturating_sub(1))
        .unwrap_or_default()
        .min(16);
    let whole = (FIRST_PAUSE_S << doublings).min(LONGEST_PAUSE_S) * 1_000;
    let half = whole / 2;
    TimeDelta::milliseconds(half + half * i64::from(chance) / i64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_of_tries_is_not_taken_for_deaths() {
        let (mut tries, mut age) = (1, TimeDelta::zero());
        while age < PATIENCE {
            age += pause(tries, 0);
            tries += 1;
        }
        assert!(tries < MOST_DEATHS - 50, "{tries} tries");
    }

    proptest! {
        #[test]
        fn a_pause_lies_in_the_upper_half_and_never_shrinks(tries in 1..i32::MAX, chance: u32) {
            let (least, most) = (pause(tries, 0), pause(tries, u32::MAX));
            prop_assert!(least <= pause(tries, chance) && pause(tries, chance) <= most);
            prop_assert_eq!(least * 2, most);
            prop_assert!(pause(tries.saturating_add(1), 0) >= least);
            prop_assert!(most <= TimeDelta::minutes(15));
        }
    }
}

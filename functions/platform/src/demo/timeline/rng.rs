//! A seeded random number generator.

/// `SplitMix64`, so that a seed always gives the same numbers.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn seeded(seed: usize) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed as u64 + 1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from `low` up to but not including `high`.
    pub(super) fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low).max(1)
    }

    pub(super) fn range_i64(&mut self, low: i64, high: i64) -> i64 {
        let width = (high - low).max(1).unsigned_abs();
        low + i64::try_from(self.next() % width).unwrap_or_default()
    }
}

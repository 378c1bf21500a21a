//! Usage by month, and the thresholds at which a tenant is warned.

use std::collections::BTreeMap;

use access::usage::Metric;
use chrono::{DateTime, NaiveDate, Utc};
use web::SingleLine;

use super::month::Month;

/// The largest quantity of one event. Sums of millions of events fit into 64 bits.
pub(crate) const MAX_EVENT_QUANTITY: i64 = 1_000_000_000_000;
/// The smallest quantity of one event; negative quantities are corrections.
pub(crate) const MIN_EVENT_QUANTITY: i64 = -MAX_EVENT_QUANTITY;

/// The percentages of a limit at which a tenant is warned.
pub(crate) const WARNING_THRESHOLDS: [i16; 2] = [80, 100];

/// Used quantities by metric and month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UsageTotals(pub(crate) BTreeMap<(Metric, NaiveDate), i64>);

impl UsageTotals {
    /// The quantity in a month. For a level such as storage, this is the sum of all months so far.
    pub(crate) fn total(&self, metric: Metric, month: Month) -> i64 {
        let counted = self.0.iter().filter(|((of, day), _)| {
            let (day, first) = (*day, month.first_day());
            *of == metric && (day == first || metric.is_level() && day < first)
        });
        // A correction may be recorded before the event that it corrects.
        counted.map(|(_, quantity)| *quantity).sum::<i64>().max(0)
    }
}

/// The highest threshold that `used` has reached.
pub(crate) fn threshold(used: i64, limit: i64) -> Option<i16> {
    let reached = |percent: i16| {
        limit > 0 && i128::from(used) * 100 >= i128::from(limit) * i128::from(percent)
    };
    WARNING_THRESHOLDS
        .into_iter()
        .rev()
        .find(|percent| reached(*percent))
}

/// A usage event that was recorded from outside.
#[derive(Clone, Debug)]
pub(crate) struct UsageEvent {
    /// Unique per source; an event counts once.
    pub(crate) id: SingleLine<1, 200>,
    pub(crate) source: SingleLine<1, 200>,
    /// The event's `type`.
    pub(crate) metric: Metric,
    pub(crate) subject: Option<SingleLine<1, 200>>,
    /// `None` means now.
    pub(crate) time: Option<DateTime<Utc>>,
    pub(crate) quantity: i64,
}

#[cfg(test)]
mod tests;

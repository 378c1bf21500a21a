//! Usage metering: recorded by the function that provides a metric, in the transaction of the use, and aggregated by tenancy.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use db::{Result, TenantTx};

use crate::declarations::{Declared, Included, MetricDeclaration, Texts};

/// A metered metric.
pub type Metric = Declared<MetricDeclaration>;

/// API requests, which this crate counts itself.
pub const API_REQUESTS: Metric = Metric::new(&MetricDeclaration {
    name: "api_requests",
    limit_name: "api_requests_per_month",
    is_level: false,
    included: Included {
        trial: 1_000_000,
        standard: 10_000_000,
        enterprise: 100_000_000,
    },
    usable_after_expiry: true,
    texts: Texts::new(
        ["API-Aufrufe", "API-Aufrufe pro Monat."],
        ["API requests", "API requests per month."],
    ),
});

/// The metrics that this crate counts.
pub const METRICS: &[Metric] = &[API_REQUESTS];

impl Metric {
    /// The name of its limit in a licence.
    pub const fn limit_name(self) -> &'static str {
        self.declaration().limit_name
    }

    /// Whether the metric is a level rather than a monthly sum: it can decrease, and is not reset.
    pub const fn is_level(self) -> bool {
        self.declaration().is_level
    }

    /// The first day of the period in which a use at `at` counts.
    pub fn period(self, at: DateTime<Utc>) -> NaiveDate {
        if self.is_level() {
            NaiveDate::default()
        } else {
            month_of(at)
        }
    }
}

/// The licence's limit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The limit.
    pub limit: i64,
    /// Whether use beyond the limit is rejected; otherwise it is only metered.
    pub hard: bool,
}

/// The first day of the month of `at`. Months are in UTC for every tenant.
pub fn month_of(at: DateTime<Utc>) -> NaiveDate {
    let day = at.date_naive();
    day.with_day(1).unwrap_or(day)
}

/// The end of the month that begins on `first`.
pub fn end_of_month(first: NaiveDate) -> DateTime<Utc> {
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    next.and_time(NaiveTime::MIN).and_utc()
}

/// A recorded use.
#[derive(Clone, Copy, Debug)]
pub struct UsageRecord<'a> {
    /// The metric.
    pub metric: Metric,
    /// The quantity; negative values reduce a level.
    pub quantity: i64,
    /// The recording function.
    pub source: &'a str,
    /// Identifies the use within the source; duplicates are ignored.
    pub source_id: &'a str,
    /// What it was used for, to explain an invoice.
    pub subject: Option<&'a str>,
    /// When it was used; determines the month, even if recorded later.
    pub at: DateTime<Utc>,
}

/// Records a use, in the transaction of the use. Returns whether it was not recorded before.
pub async fn record(tx: &mut TenantTx, used: UsageRecord<'_>) -> Result<bool> {
    let tenant = tx.tenant();
    let inserted = sqlx::query!(
        "insert into access.usage_events (tenant_id, source, source_id, metric, quantity, subject, occurred_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing",
        tenant as _,
        used.source,
        used.source_id,
        used.metric.as_str(),
        used.quantity,
        used.subject,
        used.at,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_contiguous() {
        let december = month_of(at("2026-12-31T23:59:59Z"));
        assert_eq!(december, month_of(at("2026-12-01T00:00:00Z")));
        assert_eq!(end_of_month(december), at("2027-01-01T00:00:00Z"));
        assert_ne!(december, month_of(end_of_month(december)));
    }

    #[test]
    fn levels_are_not_reset() {
        let (autumn, winter) = (at("2026-11-20T10:00:00Z"), at("2026-12-20T10:00:00Z"));
        for metric in Metric::all() {
            let same = metric.period(autumn) == metric.period(winter);
            assert_eq!(same, metric.is_level(), "{metric}");
        }
    }
}

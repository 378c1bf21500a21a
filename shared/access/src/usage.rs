//! What a tenant has used: told by whichever function provides it, in the transaction in which it is used, and counted by
//! tenancy.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use db::{Result, TenantTx};

web::text_enum! {
    /// What is measured.
    pub enum Metric {
        /// Bytes that are stored.
        StorageBytes = "storage_bytes",
        /// Requests to the API.
        ApiRequests = "api_requests",
        /// Tokens of language models.
        LlmTokens = "llm_tokens",
    }
}

impl Metric {
    /// The name of its limit in a licence.
    pub const fn limit_name(self) -> &'static str {
        match self {
            Self::StorageBytes => "storage_bytes",
            Self::ApiRequests => "api_requests_per_month",
            Self::LlmTokens => "llm_tokens_per_month",
        }
    }

    /// Whether it is what is there, rather than what was used in a month: then less can be told too, and nothing begins anew.
    pub const fn is_level(self) -> bool {
        matches!(self, Self::StorageBytes)
    }

    /// The period in which something used at `at` counts, by its first day.
    pub fn period(self, at: DateTime<Utc>) -> NaiveDate {
        if self.is_level() {
            NaiveDate::default()
        } else {
            month_of(at)
        }
    }
}

/// How much of something a licence allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// So much.
    pub limit: i64,
    /// Whether more than that is refused; otherwise it is only counted and told.
    pub hard: bool,
}

/// The first day of the month of `at`. Months begin and end in UTC, for every tenant.
pub fn month_of(at: DateTime<Utc>) -> NaiveDate {
    let day = at.date_naive();
    day.with_day(1).unwrap_or(day)
}

/// When the month that begins on `first` is over.
pub fn end_of_month(first: NaiveDate) -> DateTime<Utc> {
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    next.and_time(NaiveTime::MIN).and_utc()
}

/// Something that was used.
#[derive(Clone, Copy, Debug)]
pub struct UsageRecord<'a> {
    /// What.
    pub metric: Metric,
    /// How much; negative gives back.
    pub quantity: i64,
    /// Who tells: the function's name.
    pub source: &'a str,
    /// Which occasion. The same source and occasion count once.
    pub source_id: &'a str,
    /// On what, for whoever explains a bill.
    pub subject: Option<&'a str>,
    /// When it was used: it counts in the month of this time, however late it is told.
    pub at: DateTime<Utc>,
}

/// Tells what was used, beside the use itself. Answers whether it was news.
pub async fn record(tx: &mut TenantTx, used: UsageRecord<'_>) -> Result<bool> {
    let tenant = tx.tenant();
    let told = sqlx::query!(
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
    Ok(told.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_begins_on_its_first_day_and_ends_where_the_next_begins() {
        let december = month_of(at("2026-12-31T23:59:59Z"));
        assert_eq!(december, month_of(at("2026-12-01T00:00:00Z")));
        assert_eq!(end_of_month(december), at("2027-01-01T00:00:00Z"));
        assert_ne!(december, month_of(end_of_month(december)));
    }

    #[test]
    fn what_is_stored_does_not_begin_anew() {
        let (autumn, winter) = (at("2026-11-20T10:00:00Z"), at("2026-12-20T10:00:00Z"));
        for metric in Metric::ALL {
            let same = metric.period(autumn) == metric.period(winter);
            assert_eq!(same, metric.is_level(), "{metric}");
        }
    }
}

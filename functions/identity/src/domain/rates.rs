//! What an hour of a person's work costs, and when.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Localized,
    body::BoundedVec,
    fields::Money,
    problem::{FieldCode, FieldError},
    reply::Versioned,
};

/// A rate as it is kept: in whole minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptRate {
    pub(crate) currency: String,
    pub(crate) amount_minor: i64,
    pub(crate) valid_from: NaiveDate,
    pub(crate) valid_to: Option<NaiveDate>,
}

web::body! {
    /// A person's hourly rates, all of them: what is not named is gone.
    pub struct ReplaceRates {
        /// One entry a period; periods of one currency don't overlap.
        pub items: BoundedVec<RateBody, 100>,
    }
    example { "items": [{ "rate": { "amount": "85.00", "currency": "EUR" }, "valid_from": "2026-01-01" }] }
}

web::body! {
    /// A rate.
    pub struct RateBody {
        /// What an hour costs.
        pub rate: Money,
        /// The first day.
        pub valid_from: NaiveDate,
        /// The last day; without one it goes on.
        pub valid_to: Option<NaiveDate>,
    }
}

/// A person's hourly rates.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{ "rate": { "amount": "85.00", "currency": "EUR" }, "valid_from": "2026-01-01", "valid_to": null }],
    "next_cursor": null,
    "version": 3
}))]
pub(crate) struct Rates {
    /// By currency and time.
    pub(crate) items: Vec<Rate>,
    /// Always null: the set is never longer than a page.
    #[schema(value_type = Option<String>)]
    pub(crate) next_cursor: Option<()>,
    /// The person's version; for `If-Match`.
    pub(crate) version: i32,
}

impl Versioned for Rates {
    fn version(&self) -> i32 {
        self.version
    }
}

/// One rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
pub(crate) struct Rate {
    /// What an hour costs.
    pub(crate) rate: Money,
    /// The first day.
    pub(crate) valid_from: NaiveDate,
    /// The last day; null: it goes on.
    pub(crate) valid_to: Option<NaiveDate>,
}

const BACKWARDS: FieldCode = FieldCode::Rule(
    "before_valid_from",
    Localized {
        de: "liegt vor valid_from",
        en: "is before valid_from",
    },
);
const OVERLAP: FieldCode = FieldCode::Rule(
    "overlap",
    Localized {
        de: "überschneidet sich mit einem anderen Zeitraum derselben Währung",
        en: "overlaps with another period of the same currency",
    },
);

impl ReplaceRates {
    /// The rates by currency and time, unless a period ends before it begins or two of one currency overlap.
    pub(crate) fn rates(self) -> Result<Vec<KeptRate>, Vec<FieldError>> {
        let mut rates: Vec<(usize, KeptRate)> = self
            .items
            .0
            .into_iter()
            .map(RateBody::row)
            .enumerate()
            .collect();
        let refusal = |index: usize, field: &str, code| FieldError {
            pointer: format!("/items/{index}/{field}"),
            code,
        };
        let mut refusals: Vec<FieldError> = rates
            .iter()
            .filter(|(_, rate)| rate.valid_to.is_some_and(|to| to < rate.valid_from))
            .map(|(index, _)| refusal(*index, "valid_to", BACKWARDS))
            .collect();
        rates.sort_by(|(_, a), (_, b)| {
            (&a.currency, a.valid_from).cmp(&(&b.currency, b.valid_from))
        });
        // The last day of all that began earlier, not of the neighbour alone: one period may hold several.
        let mut last: Option<(&str, Option<NaiveDate>)> = None;
        for (index, rate) in &rates {
            let reaches = last.filter(|(currency, _)| *currency == rate.currency);
            if reaches.is_some_and(|(_, to)| to.is_none_or(|to| to >= rate.valid_from)) {
                refusals.push(refusal(*index, "valid_from", OVERLAP));
            }
            let to = match (reaches, rate.valid_to) {
                (Some((_, None)), _) | (_, None) => None,
                (Some((_, Some(before))), Some(to)) => Some(before.max(to)),
                (None, Some(to)) => Some(to),
            };
            last = Some((&rate.currency, to));
        }
        if refusals.is_empty() {
            Ok(rates.into_iter().map(|(_, rate)| rate).collect())
        } else {
            Err(refusals)
        }
    }
}

impl RateBody {
    fn row(self) -> KeptRate {
        KeptRate {
            currency: self.rate.currency().as_str().to_owned(),
            amount_minor: self.rate.minor(),
            valid_from: self.valid_from,
            valid_to: self.valid_to,
        }
    }
}

impl Rate {
    /// As it is shown; `None` when the currency is none that we know any more.
    pub(crate) fn shown(row: &KeptRate) -> Option<Self> {
        Some(Self {
            rate: Money::from_minor(row.amount_minor, &row.currency)?,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rates(periods: &[(&str, &str, Option<&str>)]) -> Result<usize, Vec<String>> {
        let items: Vec<Value> = periods
            .iter()
            .map(|(currency, from, to)| {
                json!({"rate": {"amount": "1", "currency": currency}, "valid_from": from, "valid_to": to})
            })
            .collect();
        let text = json!({"items": items}).to_string();
        let told = |errors: Vec<FieldError>| {
            let each = errors
                .iter()
                .map(|e| format!("{} {}", e.pointer, e.code.code()));
            each.collect()
        };
        web::json::parse::<ReplaceRates>(text.as_bytes())
            .unwrap()
            .rates()
            .map(|rates| rates.len())
            .map_err(told)
    }

    #[test]
    fn periods_of_one_currency_follow_each_other() {
        let first = ("EUR", "2026-01-01", Some("2026-06-30"));
        assert_eq!(rates(&[("EUR", "2026-07-01", None), first]), Ok(2));
        assert_eq!(rates(&[first, ("CHF", "2026-02-01", None)]), Ok(2));
        assert_eq!(
            rates(&[("EUR", "2026-06-30", None), first]),
            Err(vec!["/items/0/valid_from overlap".to_owned()])
        );
        assert_eq!(
            rates(&[("EUR", "2026-01-01", None), ("EUR", "2027-01-01", None)]),
            Err(vec!["/items/1/valid_from overlap".to_owned()])
        );
        assert_eq!(
            rates(&[
                ("EUR", "2026-01-01", Some("2026-12-31")),
                ("EUR", "2026-02-01", Some("2026-02-28")),
                ("EUR", "2026-04-01", Some("2026-04-30")),
            ]),
            Err(vec![
                "/items/1/valid_from overlap".to_owned(),
                "/items/2/valid_from overlap".to_owned()
            ])
        );
    }

    #[test]
    fn a_period_does_not_end_before_it_begins() {
        assert_eq!(
            rates(&[("EUR", "2026-02-01", Some("2026-01-31"))]),
            Err(vec!["/items/0/valid_to before_valid_from".to_owned()])
        );
        assert_eq!(rates(&[("EUR", "2026-02-01", Some("2026-02-01"))]), Ok(1));
    }
}

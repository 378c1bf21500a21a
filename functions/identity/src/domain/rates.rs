//! Hourly rates of users.

use chrono::NaiveDate;
use web::{
    Localized,
    problem::{FieldCode, FieldError},
};

/// An hourly rate for a period, in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HourlyRate {
    pub(crate) currency: String,
    pub(crate) amount_minor: i64,
    pub(crate) valid_from: NaiveDate,
    pub(crate) valid_to: Option<NaiveDate>,
}

const END_BEFORE_START: FieldCode = FieldCode::Rule(
    "before_valid_from",
    Localized {
        de: "darf nicht vor valid_from liegen",
        en: "must not be before valid_from",
    },
);
const OVERLAP: FieldCode = FieldCode::Rule(
    "overlap",
    Localized {
        de: "überschneidet sich mit einem anderen Zeitraum derselben Währung",
        en: "overlaps another period in the same currency",
    },
);

/// Returns the rates sorted by currency and start, or an error for each period that ends before it starts or overlaps another
/// one in the same currency.
pub(crate) fn check_periods(rates: Vec<HourlyRate>) -> Result<Vec<HourlyRate>, Vec<FieldError>> {
    let mut rates: Vec<(usize, HourlyRate)> = rates.into_iter().enumerate().collect();
    let refusal = |index: usize, field: &str, code| FieldError {
        pointer: format!("/items/{index}/{field}"),
        code,
    };
    let mut refusals: Vec<FieldError> = rates
        .iter()
        .filter(|(_, rate)| rate.valid_to.is_some_and(|to| to < rate.valid_from))
        .map(|(index, _)| refusal(*index, "valid_to", END_BEFORE_START))
        .collect();
    rates.sort_by(|(_, a), (_, b)| (&a.currency, a.valid_from).cmp(&(&b.currency, b.valid_from)));
    // Track the latest end of all earlier periods, not only the previous one: one period may contain several others.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(periods: &[(&str, &str, Option<&str>)]) -> Result<usize, Vec<String>> {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let rates = periods.iter().map(|(currency, from, to)| HourlyRate {
            currency: (*currency).to_owned(),
            amount_minor: 100,
            valid_from: date(from),
            valid_to: to.map(date),
        });
        let describe = |errors: Vec<FieldError>| {
            let each = errors
                .iter()
                .map(|e| format!("{} {}", e.pointer, e.code.code()));
            each.collect()
        };
        check_periods(rates.collect())
            .map(|rates| rates.len())
            .map_err(describe)
    }

    #[test]
    fn periods_in_one_currency_do_not_overlap() {
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
    fn a_period_does_not_end_before_it_starts() {
        assert_eq!(
            rates(&[("EUR", "2026-02-01", Some("2026-01-31"))]),
            Err(vec!["/items/0/valid_to before_valid_from".to_owned()])
        );
        assert_eq!(rates(&[("EUR", "2026-02-01", Some("2026-02-01"))]), Ok(1));
    }
}

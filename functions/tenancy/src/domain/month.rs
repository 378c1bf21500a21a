//! A month as in queries and responses: `2026-11`.

use std::{borrow::Cow, fmt};

use access::usage;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A month in UTC, stored as its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a time.
    pub(crate) fn of(at: DateTime<Utc>) -> Self {
        Self(usage::month_of(at))
    }

    /// Parses `2026-11`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return None;
        }
        let year = year
            .parse()
            .ok()
            .filter(|year| (1900..=9999).contains(year))?;
        NaiveDate::from_ymd_opt(year, month.parse().ok()?, 1).map(Self)
    }

    /// The first day.
    pub(crate) fn first_day(self) -> NaiveDate {
        self.0
    }

    /// The exclusive end.
    pub(crate) fn end(self) -> DateTime<Utc> {
        usage::end_of_month(self.0)
    }

    /// The months from this one to `last`, both included; none if `last` is earlier.
    pub(crate) fn through(self, last: Self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |month| {
            month.0.checked_add_months(Months::new(1)).map(Self)
        })
        .take_while(move |month| *month <= last)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a month"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_parses_to_its_text() {
        for text in ["2026-11", "1900-01", "9999-12"] {
            assert_eq!(Month::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "2026-13",
            "2026-1",
            "26-11",
            "2026-11-01",
            "+026-11",
            "1899-12",
            "",
        ] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn months_continue_over_the_end_of_a_year() {
        let month = |text| Month::parse(text).unwrap();
        let all: Vec<String> = month("2026-11")
            .through(month("2027-02"))
            .map(|month| month.to_string())
            .collect();
        assert_eq!(all, ["2026-11", "2026-12", "2027-01", "2027-02"]);
        assert_eq!(month("2026-11").through(month("2026-10")).count(), 0);
    }
}

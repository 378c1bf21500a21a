//! What a tenant has used, in months, and when it is warned.

use std::collections::BTreeMap;

use access::usage::Metric;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, Type},
};
use web::{
    Line,
    body::{self, Field, described},
    problem::{Errors, FieldCode, Pointer},
};

use super::{amount::Amount, month::Month};

/// The most that one event can tell: sums of millions of them fit into 64 bits.
pub const MOST_AT_ONCE: i64 = 1_000_000_000_000;
const LEAST_AT_ONCE: i64 = -MOST_AT_ONCE;

/// Percent of a limit at which a tenant is warned.
pub const THRESHOLDS: [i16; 2] = [80, 100];

/// What was used, by metric and the month in which it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used(pub BTreeMap<(Metric, NaiveDate), i64>);

impl Used {
    /// How much of a metric at the end of a month, or until now: of what is there all that ever came, of the rest what was used
    /// within the month.
    pub fn of(&self, metric: Metric, month: Month) -> i64 {
        let counted = self.0.iter().filter(|((of, day), _)| {
            let (day, first) = (*day, month.first_day());
            *of == metric && (day == first || metric.is_level() && day < first)
        });
        // Corrections may be told before what they correct.
        counted.map(|(_, quantity)| *quantity).sum::<i64>().max(0)
    }
}

/// The highest threshold that `used` has reached.
pub fn threshold(used: i64, limit: i64) -> Option<i16> {
    let reached = |percent: i16| {
        limit > 0 && i128::from(used) * 100 >= i128::from(limit) * i128::from(percent)
    };
    THRESHOLDS
        .into_iter()
        .rev()
        .find(|percent| reached(*percent))
}

/// Something that was used, told from outside as one of the CloudEvents 1.0 in structured mode.
#[derive(Clone, Debug)]
pub struct UsageEvent {
    /// Which occasion. Together with the source it counts once.
    pub id: Line<1, 200>,
    /// Who tells.
    pub source: Line<1, 200>,
    /// What was used: the `type`.
    pub metric: Metric,
    /// On what.
    pub subject: Option<Line<1, 200>>,
    /// When.
    pub time: Option<DateTime<Utc>>,
    /// How much.
    pub quantity: i64,
}

web::body! {
    /// How much was used.
    pub struct UsageQuantity {
        /// In the metric's unit. Less than nothing corrects what was told before, which only the platform's staff may do.
        pub quantity: Amount<LEAST_AT_ONCE, MOST_AT_ONCE>,
    }
}

/// The word that `specversion` or `datacontenttype` must be when it is there.
fn expect_word(
    word: Option<String>,
    expected: &str,
    at: &Pointer,
    errors: &mut Errors,
) -> Option<()> {
    match word {
        Some(word) if word != expected => {
            errors.refuse(at, FieldCode::NotOneOf(expected.to_owned()))
        }
        _ => Some(()),
    }
}

impl Field for UsageEvent {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let mut object = body::object(value, at, errors)?;
        let mut word = |name: &str, expected: &str, errors: &mut Errors| {
            let word: Option<Line<1, 100>> =
                body::take::<Option<_>>(&mut object, name, at, errors)?;
            expect_word(
                word.map(Line::into_string),
                expected,
                &at.child(name),
                errors,
            )
        };
        let version = word("specversion", "1.0", errors);
        let media = word("datacontenttype", "application/json", errors);
        let id = body::take(&mut object, "id", at, errors);
        let source = body::take(&mut object, "source", at, errors);
        let metric = body::take(&mut object, "type", at, errors);
        let subject = body::take(&mut object, "subject", at, errors);
        let time = body::take(&mut object, "time", at, errors);
        let data: Option<UsageQuantity> = body::take(&mut object, "data", at, errors);
        let complete = object.is_empty();
        body::refuse_rest(object, at, errors);
        if !complete {
            return None;
        }
        version.and(media)?;
        Some(Self {
            id: id?,
            source: source?,
            metric: metric?,
            subject: subject?,
            time: time?,
            quantity: data?.quantity.get(),
        })
    }

    fn schema() -> RefOr<Schema> {
        let word = |text: &str| -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some([text]))
                .into()
        };
        let fields: [(&str, RefOr<Schema>, &str); 8] = [
            ("specversion", word("1.0"), "The version of CloudEvents."),
            (
                "datacontenttype",
                word("application/json"),
                "What `data` is.",
            ),
            (
                "id",
                Line::<1, 200>::schema(),
                "Which occasion. Together with the source it counts once.",
            ),
            ("source", Line::<1, 200>::schema(), "Who tells."),
            ("type", <Metric as Field>::schema(), "What was used."),
            (
                "subject",
                <Option<Line<1, 200>> as Field>::schema(),
                "On what.",
            ),
            (
                "time",
                <Option<DateTime<Utc>> as Field>::schema(),
                "When: at most 90 days ago; now unless named. It counts in the month of this time.",
            ),
            ("data", <UsageQuantity as Field>::schema(), ""),
        ];
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .description(Some("Something that was used, as a CloudEvent 1.0."));
        fields
            .into_iter()
            .fold(object, |object, (name, schema, text)| {
                object.property(name, described(schema, text))
            })
            .required("id")
            .required("source")
            .required("type")
            .required("data")
            .into()
    }
}

#[cfg(test)]
mod tests;

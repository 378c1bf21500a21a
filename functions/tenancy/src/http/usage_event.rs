//! A usage event in the `CloudEvents` 1.0 format, structured mode.

use access::usage::Metric;
use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, Type},
};
use web::{
    SingleLine,
    body::{self, Field, described},
    problem::{Errors, FieldCode, Pointer},
};

use super::fields::BoundedI64;
use crate::domain::usage::{MAX_EVENT_QUANTITY, MIN_EVENT_QUANTITY, UsageEvent};

web::body! {
    /// The quantity that was used.
    pub struct UsageQuantity {
        /// The quantity in the unit of the metric. A negative quantity corrects an earlier event; only platform staff can record one.
        pub quantity: BoundedI64<MIN_EVENT_QUANTITY, MAX_EVENT_QUANTITY>,
    }
}

/// Checks the value of `specversion` or `datacontenttype`, if present.
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
            let word: Option<SingleLine<1, 100>> =
                body::take_field::<Option<_>>(&mut object, name, at, errors)?;
            expect_word(
                word.map(SingleLine::into_string),
                expected,
                &at.child(name),
                errors,
            )
        };
        let version = word("specversion", "1.0", errors);
        let media = word("datacontenttype", "application/json", errors);
        let id = body::take_field(&mut object, "id", at, errors);
        let source = body::take_field(&mut object, "source", at, errors);
        let metric = body::take_field(&mut object, "type", at, errors);
        let subject = body::take_field(&mut object, "subject", at, errors);
        let time = body::take_field(&mut object, "time", at, errors);
        let data: Option<UsageQuantity> = body::take_field(&mut object, "data", at, errors);
        let complete = object.is_empty();
        body::refuse_unknown_fields(object, at, errors);
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
            (
                "specversion",
                word("1.0"),
                "The version of the CloudEvents specification.",
            ),
            (
                "datacontenttype",
                word("application/json"),
                "The media type of `data`.",
            ),
            (
                "id",
                SingleLine::<1, 200>::schema(),
                "The ID of the event. An event with the same source and ID is counted once.",
            ),
            (
                "source",
                SingleLine::<1, 200>::schema(),
                "The system that reports the event.",
            ),
            (
                "type",
                <Metric as Field>::schema(),
                "The metric that was used.",
            ),
            (
                "subject",
                <Option<SingleLine<1, 200>> as Field>::schema(),
                "What the usage relates to.",
            ),
            (
                "time",
                <Option<DateTime<Utc>> as Field>::schema(),
                "The time of use, at most 90 days ago. Defaults to now. The event counts in the month of this time.",
            ),
            ("data", <UsageQuantity as Field>::schema(), ""),
        ];
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .description(Some("A usage event in the CloudEvents 1.0 format."));
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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::declarations::LLM_TOKENS;

    fn read(value: Value) -> Result<UsageEvent, Vec<(String, &'static str)>> {
        let mut errors = Errors::default();
        UsageEvent::read(value, &Pointer::default(), &mut errors).ok_or_else(|| {
            let wrong = errors.into_list().into_iter();
            wrong
                .map(|error| (error.pointer, error.code.code()))
                .collect()
        })
    }

    #[test]
    fn an_event_is_a_cloud_event_and_all_errors_are_reported() {
        let event = json!({
            "specversion": "1.0", "id": "1", "source": "/gateway", "type": "llm_tokens", "datacontenttype": "application/json",
            "subject": null, "time": "2026-11-20T10:00:00Z", "data": {"quantity": 512},
        });
        let event = read(event).unwrap();
        assert_eq!((event.metric, event.quantity), (LLM_TOKENS, 512));
        let wrong = json!({"specversion": "0.3", "id": "", "type": "shoes", "data": {"quantity": 1.5}, "colour": "red"});
        assert_eq!(
            read(wrong).unwrap_err(),
            [
                ("/specversion", "not_one_of"),
                ("/id", "too_short"),
                ("/source", "required"),
                ("/type", "not_one_of"),
                ("/data/quantity", "wrong_type"),
                ("/colour", "unknown_field"),
            ]
            .map(|(pointer, code)| (pointer.to_owned(), code))
        );
    }
}

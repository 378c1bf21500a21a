//! Primitive fields: booleans, numbers, times, identifiers, free-form JSON.

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use serde_json::Value;
use utoipa::openapi::{
    KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat,
    schema::{SchemaType, Type},
};

use super::Field;
use crate::{
    language::Localized,
    problem::{Errors, FieldCode, Pointer},
};

impl Field for bool {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        value
            .as_bool()
            .or_else(|| errors.refuse(at, FieldCode::WrongType("boolean")))
    }
    fn from_text(text: String, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        Self::read(text.parse().map_or(Value::Null, Value::Bool), at, errors)
    }
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

/// An integer from `MIN` to `MAX`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Int<const MIN: i32, const MAX: i32>(i32);

impl<const MIN: i32, const MAX: i32> Int<MIN, MAX> {
    /// The number.
    pub fn get(self) -> i32 {
        self.0
    }
}

/// Reads an integer whose bounds are only known at run time; otherwise use [`Int`].
pub fn parse_int(value: &Value, min: i32, max: i32) -> Result<i32, FieldCode> {
    let Value::Number(number) = value else {
        return Err(FieldCode::WrongType("integer"));
    };
    // JSON Schema treats 1.0 as an integer.
    let whole = number.as_i64().or_else(|| {
        #[expect(clippy::cast_possible_truncation, reason = "checked by the comparison")]
        number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() < 1e15)
            .map(|float| float as i64)
    });
    if whole.is_none() && number.as_f64().is_some_and(|float| float.fract() != 0.0) {
        return Err(FieldCode::WrongType("integer"));
    }
    whole
        .and_then(|whole| i32::try_from(whole).ok())
        .filter(|whole| (min..=max).contains(whole))
        .ok_or(FieldCode::OutOfRange(min.into(), max.into()))
}

/// The number that a parameter of a query is, or null.
pub fn number_from_text(text: &str) -> Value {
    text.parse::<i64>().map_or(Value::Null, Value::from)
}

/// The schema of an integer whose bounds are only known at run time.
pub fn int_schema(min: i32, max: i32) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .minimum(Some(f64::from(min)))
        .maximum(Some(f64::from(max)))
}

impl<const MIN: i32, const MAX: i32> Field for Int<MIN, MAX> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        match parse_int(&value, MIN, MAX) {
            Ok(number) => Some(Self(number)),
            Err(code) => errors.refuse(at, code),
        }
    }
    fn from_text(text: String, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        Self::read(number_from_text(&text), at, errors)
    }
    fn schema() -> RefOr<Schema> {
        int_schema(MIN, MAX).into()
    }
}

pub(crate) const RFC_3339: Localized = Localized {
    de: "muss ein Zeitpunkt nach RFC 3339 zwischen den Jahren 1900 und 9999 sein",
    en: "must be an RFC 3339 time between the years 1900 and 9999",
};

/// Parses a time. Years are bounded before they reach SQL, and PostgreSQL stores microseconds.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    let year = chrono::Datelike::year(&instant);
    // A leap second has no representation in PostgreSQL, which would store the second after it.
    let is_leap_second = chrono::Timelike::nanosecond(&instant) >= 1_000_000_000;
    ((1900..=9999).contains(&year) && !is_leap_second).then(|| instant.trunc_subsecs(6))
}

impl Field for DateTime<Utc> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        instant(&text).or_else(|| errors.refuse(at, FieldCode::InvalidFormat(RFC_3339)))
    }
    fn from_text(text: String, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        // In a query a plus sign means a space: clients that do not escape it send `+02:00` as ` 02:00`.
        Self::read(Value::String(text.replace(' ', "+")), at, errors)
    }
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl Field for NaiveDate {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        NaiveDate::parse_from_str(&text, "%Y-%m-%d")
            .ok()
            .filter(|date| {
                text.len() == 10 && (1900..=9999).contains(&chrono::Datelike::year(date))
            })
            .or_else(|| {
                errors.refuse(
                    at,
                    FieldCode::InvalidFormat(Localized {
                        de: "muss ein Datum wie 2026-11-20 sein",
                        en: "must be a date such as 2026-11-20",
                    }),
                )
            })
    }
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .into()
    }
}

const NOT_A_UUID: FieldCode = FieldCode::InvalidFormat(Localized {
    de: "muss eine UUID sein",
    en: "must be a UUID",
});

impl<K: ids::IdKind> Field for ids::Id<K> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        text.parse().ok().or_else(|| errors.refuse(at, NOT_A_UUID))
    }
    fn schema() -> RefOr<Schema> {
        <Self as utoipa::PartialSchema>::schema()
    }
}

impl Field for uuid::Uuid {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        parsed.or_else(|| errors.refuse(at, NOT_A_UUID))
    }
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .into()
    }
}

/// Any JSON; NUL characters are already rejected when the body is read.
impl Field for Value {
    fn read(value: Value, _: &Pointer, _: &mut Errors) -> Option<Self> {
        Some(value)
    }
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .into()
    }
}

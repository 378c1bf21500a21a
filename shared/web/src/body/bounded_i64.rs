//! Integers that can exceed 32 bits, such as bytes or tokens.

use serde_json::Value;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type};

use super::{Field, number_from_text};
use crate::problem::{Errors, FieldCode, Pointer};

/// A whole number from `MIN` to `MAX`, both included. Both must be below 2^53, so that every number has an exact float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BoundedI64<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> BoundedI64<MIN, MAX> {
    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> Field for BoundedI64<MIN, MAX> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::Number(number) = value else {
            return errors.refuse(at, FieldCode::WrongType("integer"));
        };
        let float = number.as_f64().unwrap_or(f64::NAN);
        // JSON Schema accepts 1.0 as an integer.
        let whole = number.as_i64().or_else(|| {
            #[expect(clippy::cast_possible_truncation, reason = "checked by the comparison")]
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        });
        match whole {
            Some(whole) if (MIN..=MAX).contains(&whole) => Some(Self(whole)),
            None if float.fract().abs() > 0.0 => errors.refuse(at, FieldCode::WrongType("integer")),
            _ => errors.refuse(at, FieldCode::OutOfRange(MIN, MAX)),
        }
    }

    fn from_text(text: String, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        Self::read(number_from_text(&text), at, errors)
    }

    fn schema() -> RefOr<Schema> {
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let (min, max) = (MIN as f64, MAX as f64);
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(min))
            .maximum(Some(max))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_whole_numbers_within_the_bounds_are_accepted() {
        let read = |value: Value| {
            let mut errors = Errors::default();
            BoundedI64::<0, 5_000_000_000>::read(value, &Pointer::default(), &mut errors)
                .map(BoundedI64::get)
                .ok_or_else(|| errors.into_list()[0].code.code())
        };
        assert_eq!(read(json!(0)), Ok(0));
        assert_eq!(read(json!(5_000_000_000_i64)), Ok(5_000_000_000));
        assert_eq!(read(json!(7.0)), Ok(7));
        assert_eq!(read(json!(5_000_000_001_i64)), Err("out_of_range"));
        assert_eq!(read(json!(-1)), Err("out_of_range"));
        assert_eq!(read(json!(u64::MAX)), Err("out_of_range"));
        assert_eq!(read(json!(1e300)), Err("out_of_range"));
        assert_eq!(read(json!(1.5)), Err("wrong_type"));
        assert_eq!(read(json!("1")), Err("wrong_type"));
    }
}

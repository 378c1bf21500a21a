//! Lists without duplicates.

use serde_json::Value;
use utoipa::openapi::{RefOr, Schema, schema::ArrayBuilder};
use web::{
    body::Field,
    problem::{Errors, FieldCode, Pointer},
};

/// `MIN` to `MAX` items, all different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UniqueVec<T, const MIN: usize, const MAX: usize>(pub(crate) Vec<T>);

impl<T: Field + PartialEq, const MIN: usize, const MAX: usize> Field for UniqueVec<T, MIN, MAX> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::Array(values) = value else {
            return errors.refuse(at, FieldCode::WrongType("array"));
        };
        if values.len() < MIN {
            return errors.refuse(at, FieldCode::TooShort(MIN));
        }
        if values.len() > MAX {
            return errors.refuse(at, FieldCode::TooLong(MAX));
        }
        let mut complete = true;
        let mut items: Vec<T> = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let pointer = at.child(index);
            match T::read(value, &pointer, errors) {
                Some(item) if items.contains(&item) => {
                    complete = false;
                    errors.refuse::<()>(&pointer, FieldCode::Duplicate);
                }
                Some(item) => items.push(item),
                None => complete = false,
            }
        }
        complete.then_some(Self(items))
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(T::schema())
            .min_items(Some(MIN))
            .max_items(Some(MAX))
            .unique_items(true)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use web::SingleLine;

    use super::*;

    fn codes(value: Value) -> Vec<(String, &'static str)> {
        let mut errors = Errors::default();
        UniqueVec::<SingleLine<1, 3>, 1, 4>::read(value, &Pointer::default(), &mut errors);
        errors
            .into_list()
            .into_iter()
            .map(|error| (error.pointer, error.code.code()))
            .collect()
    }

    #[test]
    fn every_duplicate_and_every_invalid_item_is_reported() {
        assert_eq!(codes(json!(["a", "b"])), []);
        assert_eq!(codes(json!([])), [(String::new(), "too_short")]);
        assert_eq!(codes(json!("a")), [(String::new(), "wrong_type")]);
        assert_eq!(
            codes(json!(["a", " a ", "long", 5])),
            [
                ("/1".to_owned(), "duplicate"),
                ("/2".to_owned(), "too_long"),
                ("/3".to_owned(), "wrong_type")
            ]
        );
        assert_eq!(
            codes(json!(["a", "b", "c", "d", "e"])),
            [(String::new(), "too_long")]
        );
    }
}

//! Validated request bodies that report all invalid fields together.
//!
//! Request types are declared with [`body!`](crate::body!): each field's type carries its limits, unknown fields are
//! rejected, and the OpenAPI schema comes from the same declaration.

mod bounded_i64;
mod primitives;

pub use bounded_i64::BoundedI64;
pub use primitives::{Int, int_schema, number_from_text, parse_int};

use serde_json::{Map, Value};
use utoipa::openapi::{
    RefOr, Schema,
    schema::{ArrayBuilder, SchemaType, Type},
};

use crate::problem::{Errors, FieldCode, Pointer};

/// A value that can be read from JSON, validated, and described in OpenAPI.
pub trait Field: Sized {
    /// Reads `value` at the location `at`. Records all errors in `errors` and returns `None` if there are any.
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self>;

    /// Reads a parameter of a query, which has no type of its own.
    fn from_text(text: String, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        Self::read(Value::String(text), at, errors)
    }

    /// The value of an absent field; `None` if the field is required.
    fn absent() -> Option<Self> {
        None
    }

    /// The inline schema.
    fn schema() -> RefOr<Schema>;
}

/// `null` and absence both mean `None`.
impl<T: Field> Field for Option<T> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        if value.is_null() {
            Some(None)
        } else {
            T::read(value, at, errors).map(Some)
        }
    }
    fn from_text(text: String, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        T::from_text(text, at, errors).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn schema() -> RefOr<Schema> {
        nullable(T::schema())
    }
}

/// A field of `PUT` and `PATCH`: absent means unchanged. `Change<Option<T>>` can be cleared with `null`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// The field is absent.
    #[default]
    Keep,
    /// The field is set.
    Set(T),
}

impl<T> Change<T> {
    /// The new value, or `current` if unchanged.
    pub fn or(self, current: T) -> T {
        match self {
            Self::Keep => current,
            Self::Set(value) => value,
        }
    }

    /// The new value, if any.
    pub fn set(self) -> Option<T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The new value, if any.
    pub fn as_set(&self) -> Option<&T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T: Field> Field for Change<T> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        if value.is_null() && T::absent().is_none() {
            return errors.refuse(at, FieldCode::Null);
        }
        T::read(value, at, errors).map(Self::Set)
    }
    fn absent() -> Option<Self> {
        Some(Self::Keep)
    }
    fn schema() -> RefOr<Schema> {
        T::schema()
    }
}

/// A list of at most `MAX` items.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BoundedVec<T, const MAX: usize>(pub Vec<T>);

impl<T: Field, const MAX: usize> Field for BoundedVec<T, MAX> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::Array(items) = value else {
            return errors.refuse(at, FieldCode::WrongType("array"));
        };
        if items.len() > MAX {
            return errors.refuse(at, FieldCode::TooLong(MAX));
        }
        // Read all items first, so that every invalid one is reported.
        let read: Vec<Option<T>> = items
            .into_iter()
            .enumerate()
            .map(|(index, item)| T::read(item, &at.child(index), errors))
            .collect();
        read.into_iter().collect::<Option<Vec<T>>>().map(Self)
    }
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(T::schema())
            .max_items(Some(MAX))
            .into()
    }
}

/// Removes and reads a declared field; used by [`body!`](crate::body!).
#[doc(hidden)]
pub fn take_field<T: Field>(
    object: &mut Map<String, Value>,
    name: &str,
    at: &Pointer,
    errors: &mut Errors,
) -> Option<T> {
    let at = at.child(name);
    match object.remove(name) {
        Some(value) => T::read(value, &at, errors),
        None => T::absent().or_else(|| errors.refuse(&at, FieldCode::Required)),
    }
}

/// The value as an object, or an error; used by [`body!`](crate::body!).
#[doc(hidden)]
pub fn object(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => errors.refuse(at, FieldCode::WrongType("object")),
    }
}

/// Rejects the remaining fields of the object; used by [`body!`](crate::body!).
#[doc(hidden)]
pub fn refuse_unknown_fields(object: Map<String, Value>, at: &Pointer, errors: &mut Errors) {
    for name in object.keys() {
        errors.refuse::<()>(&at.child(name), FieldCode::UnknownField);
    }
}

/// The schema, extended by `null`.
pub fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.schema_type = or_null(object.schema_type);
            if let Some(values) = &mut object.enum_values {
                values.push(Value::Null);
            }
            object.into()
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = or_null(array.schema_type);
            array.into()
        }
        other => other,
    }
}

fn or_null(schema_type: SchemaType) -> SchemaType {
    match schema_type {
        SchemaType::Type(one) => SchemaType::Array(vec![one, Type::Null]),
        SchemaType::Array(mut several) => {
            if !several.contains(&Type::Null) {
                several.push(Type::Null);
            }
            SchemaType::Array(several)
        }
        SchemaType::AnyValue => SchemaType::AnyValue,
    }
}

/// The schema with a description.
pub fn described(schema: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    let description = Some(description.trim().to_owned()).filter(|text| !text.is_empty());
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = description.or(object.description);
            object.into()
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = description.or(array.description);
            array.into()
        }
        other => other,
    }
}

/// Declares a request body with validated fields and its schema.
///
/// ```
/// use web::{SingleLine, body::Change};
/// web::body! {
///     /// Changes of a shelf.
///     pub struct UpdateShelf {
///         /// The text on its label.
///         pub label: Change<SingleLine<1, 80>>,
///     }
///     example { "label": "Paints" }
/// }
/// ```
#[macro_export]
macro_rules! body {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $( $(#[doc = $field_doc:literal])* pub $field:ident : $ty:ty, )*
        }
        $( example { $($example:tt)* } )?
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[doc = $field_doc])* pub $field: $ty, )*
        }

        impl $crate::body::Field for $name {
            fn read(
                value: $crate::__private::serde_json::Value,
                at: &$crate::problem::Pointer,
                errors: &mut $crate::problem::Errors,
            ) -> Option<Self> {
                let mut object = $crate::body::object(value, at, errors)?;
                $( let $field = $crate::body::take_field::<$ty>(&mut object, stringify!($field), at, errors); )*
                let complete = object.is_empty();
                $crate::body::refuse_unknown_fields(object, at, errors);
                if !complete {
                    return None;
                }
                Some(Self { $( $field: $field?, )* })
            }

            fn schema() -> $crate::__private::utoipa::openapi::RefOr<$crate::__private::utoipa::openapi::Schema> {
                use $crate::__private::utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
                let mut object = ObjectBuilder::new()
                    .schema_type(Type::Object)
                    .additional_properties(Some(AdditionalProperties::FreeForm(false)))
                    .description(Some(concat!($($doc,)*).trim()));
                $(
                    object = object.property(
                        stringify!($field),
                        $crate::body::described(
                            <$ty as $crate::body::Field>::schema(),
                            concat!($($field_doc,)*),
                        ),
                    );
                    if <$ty as $crate::body::Field>::absent().is_none() {
                        object = object.required(stringify!($field));
                    }
                )*
                $( object = object.examples([$crate::__private::serde_json::json!({ $($example)* })]); )?
                object.into()
            }
        }

        impl $crate::__private::utoipa::PartialSchema for $name {
            fn schema() -> $crate::__private::utoipa::openapi::RefOr<$crate::__private::utoipa::openapi::Schema> {
                <Self as $crate::body::Field>::schema()
            }
        }
        impl $crate::__private::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

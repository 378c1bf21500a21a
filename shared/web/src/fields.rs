//! Validated field types: lines, texts, email addresses, slugs, time zones, money.
//!
//! Texts are trimmed and in Unicode NFC, contain no NUL or other control characters, and are measured in characters.

mod email;
mod money;
mod plain;
mod text;

pub use email::Email;
pub use money::{Currency, Money};
pub use plain::{HttpUrl, Locale, Slug, TimeZone};
pub use text::{Secret, SingleLine, Text, line_schema, parse_line};

/// Serde, `Field` and `ToSchema` for a type with `parse(&str) -> Result<Self, FieldCode>`, `as_str`, and a
/// `schema_builder`.
macro_rules! parsed_text {
    ([$($generics:tt)*] $ty:ty) => {
        impl<$($generics)*> crate::body::Field for $ty {
            fn read(
                value: serde_json::Value,
                at: &crate::problem::Pointer,
                errors: &mut crate::problem::Errors,
            ) -> Option<Self> {
                let serde_json::Value::String(text) = value else {
                    return errors.refuse(at, crate::problem::FieldCode::WrongType("string"));
                };
                match Self::parse(&text) {
                    Ok(parsed) => Some(parsed),
                    Err(code) => errors.refuse(at, code),
                }
            }
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                Self::schema_builder()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .into()
            }
        }
        impl<$($generics)*> utoipa::PartialSchema for $ty {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                <Self as crate::body::Field>::schema()
            }
        }
        impl<$($generics)*> utoipa::ToSchema for $ty {}
        impl<'de, $($generics)*> serde::Deserialize<'de> for $ty {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(|code| serde::de::Error::custom(code.code()))
            }
        }
        impl<$($generics)*> std::str::FromStr for $ty {
            type Err = crate::problem::FieldCode;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}
pub(crate) use parsed_text;

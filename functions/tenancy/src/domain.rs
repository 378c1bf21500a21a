//! The words of this context: types that parse at the door, and the arithmetic on them.

pub mod amount;
pub mod api_key;
pub mod audit_chain;
pub mod condition;
pub mod currency;
pub mod distinct;
pub mod flags;
pub mod founding;
pub mod host_name;
pub mod license;
pub mod life_cycle;
pub mod mirror;
pub mod month;
pub mod settings;
pub mod terms;
pub mod usage;

/// `Field` for a text type with `parse(&str) -> Result<Self, FieldCode>` and `shape() -> ObjectBuilder`.
macro_rules! text_field {
    ($ty:ty) => {
        impl web::body::Field for $ty {
            fn read(
                value: serde_json::Value,
                at: &web::problem::Pointer,
                errors: &mut web::problem::Errors,
            ) -> Option<Self> {
                let serde_json::Value::String(text) = value else {
                    return errors.refuse(at, web::problem::FieldCode::WrongType("string"));
                };
                match Self::parse(&text) {
                    Ok(parsed) => Some(parsed),
                    Err(code) => errors.refuse(at, code),
                }
            }
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                Self::shape()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .into()
            }
        }
    };
}
pub(crate) use text_field;

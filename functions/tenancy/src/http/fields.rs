//! How the value types of this context are read from requests and described in the API reference.

mod unique_vec;

use serde_json::Value;
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, Type},
};
use web::{
    body::{self, Field},
    problem::{Errors, FieldCode, Pointer},
};

pub(crate) use self::unique_vec::UniqueVec;
use crate::domain::{
    api_key::{IpRange, Scope},
    currency::Currency,
    flags::{Flag, FlagChoices},
    host_name::HostName,
    provisioning::TenantSlug,
};
pub(crate) use web::body::BoundedI64;

/// `Field` for a text type with `parse(&str) -> Result<Self, FieldCode>`.
macro_rules! text_field {
    ($ty:ty, $schema:expr) => {
        impl Field for $ty {
            fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
                let Value::String(text) = value else {
                    return errors.refuse(at, FieldCode::WrongType("string"));
                };
                match Self::parse(&text) {
                    Ok(parsed) => Some(parsed),
                    Err(code) => errors.refuse(at, code),
                }
            }
            fn schema() -> RefOr<Schema> {
                let schema: ObjectBuilder = $schema;
                schema.schema_type(Type::String).into()
            }
        }
    };
}

text_field!(
    Scope,
    ObjectBuilder::new()
        .max_length(Some(100))
        .pattern(Some(r"^[a-z_]+\.[a-z_]+\.[a-z_]+$"))
        .examples(["support.ticket.read"])
);
text_field!(
    IpRange,
    ObjectBuilder::new()
        .max_length(Some(49))
        .examples(["203.0.113.0/24", "2001:db8::/32"])
);
text_field!(
    Currency,
    ObjectBuilder::new()
        .pattern(Some("^[A-Z]{3}$"))
        .examples(["EUR"])
);
text_field!(
    TenantSlug,
    ObjectBuilder::new()
        .min_length(Some(2))
        .max_length(Some(63))
        .pattern(Some("^[a-z0-9]+(-[a-z0-9]+)*$"))
        .examples(["muster-gmbh"])
);
text_field!(
    HostName,
    ObjectBuilder::new()
        .max_length(Some(253))
        .examples(["app.example.org"])
);
/// As `{"support": true}`.
impl Field for FlagChoices {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let mut choices = Vec::new();
        let mut complete = true;
        for (name, value) in body::object(value, at, errors)? {
            let pointer = at.child(&name);
            let Some(flag) = Flag::parse(&name) else {
                complete = false;
                errors.refuse::<()>(&pointer, FieldCode::UnknownField);
                continue;
            };
            match bool::read(value, &pointer, errors) {
                Some(enabled) => choices.push((flag, enabled)),
                None => complete = false,
            }
        }
        complete.then_some(Self(choices))
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        Flag::all()
            .fold(object, |object, flag| {
                object.property(flag.as_str(), bool::schema())
            })
            .into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::declarations::AI;

    #[test]
    fn a_new_tenant_has_the_chosen_flags_and_the_defaults() {
        let mut errors = Errors::default();
        let choices = FlagChoices::read(
            json!({"ai": true, "files": false}),
            &Pointer::default(),
            &mut errors,
        )
        .unwrap();
        let on: Vec<_> = choices
            .states()
            .into_iter()
            .filter(|state| state.enabled)
            .map(|state| state.flag)
            .collect();
        assert_eq!(on, [Flag::parse("support").unwrap(), AI]);
    }

    #[test]
    fn unknown_flags_are_reported_with_all_other_errors() {
        let mut errors = Errors::default();
        let read = FlagChoices::read(
            json!({"ai": "yes", "teleport": true}),
            &Pointer::default(),
            &mut errors,
        );
        assert_eq!(read, None);
        let codes: Vec<_> = errors
            .into_list()
            .into_iter()
            .map(|e| (e.pointer, e.code.code()))
            .collect();
        assert_eq!(
            codes,
            [
                ("/ai".to_owned(), "wrong_type"),
                ("/teleport".to_owned(), "unknown_field")
            ]
        );
    }
}

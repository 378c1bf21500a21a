//! How values of the domain are read from JSON and described in the API document.

use std::collections::BTreeMap;

use access::ReachKind;
use serde_json::Value;
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, Type},
};
use web::{
    body::Field,
    problem::{Errors, FieldCode, Pointer},
};

use crate::domain::{bcrypt_hash::BcryptHash, phone::Phone, role::WantedGrants};

/// Maximum number of entries in a map of permissions. There are far fewer permissions.
const MAX_GRANTS: usize = 500;
/// The reaches of a permission, with their names.
const REACHES: [(&str, ReachKind); 3] = [
    ("all", ReachKind::All),
    ("assigned", ReachKind::Assigned),
    ("own", ReachKind::Own),
];

impl Field for Phone {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        Self::parse(&text).map_or_else(|code| errors.refuse(at, code), Some)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(32))
            .pattern(Some(r"^\+?[0-9 \-/().]*$"))
            .examples(["+49 30 1234567"])
            .into()
    }
}

impl Field for BcryptHash {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        Self::parse(text.trim()).map_or_else(|code| errors.refuse(at, code), Some)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$"))
            .into()
    }
}

impl Field for WantedGrants {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::Object(object) = value else {
            return errors.refuse(at, FieldCode::WrongType("object"));
        };
        if object.len() > MAX_GRANTS {
            return errors.refuse(at, FieldCode::TooLong(MAX_GRANTS));
        }
        let mut grants = BTreeMap::new();
        let mut complete = true;
        for (permission, reach) in object {
            let place = at.child(&permission);
            let read = match &reach {
                Value::Null => Some(None),
                Value::String(word) => REACHES
                    .iter()
                    .find(|(known, _)| known == word)
                    .map(|(_, kind)| Some(*kind))
                    .or_else(|| {
                        let words = REACHES.map(|(word, _)| word).join(", ");
                        errors.refuse(&place, FieldCode::NotOneOf(words))
                    }),
                _ => errors.refuse(&place, FieldCode::WrongType("string")),
            };
            match read {
                Some(reach) => {
                    grants.insert(permission, reach);
                }
                None => complete = false,
            }
        }
        complete.then_some(Self::new(grants))
    }

    fn schema() -> RefOr<Schema> {
        let reach = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(REACHES.map(|(word, _)| word)));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::RefOr(web::body::nullable(
                reach.into(),
            ))))
            .into()
    }
}

//! The request body for changing settings.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::{AdditionalProperties, Type},
    },
};
use web::{
    body::{self, Field},
    problem::{Errors, FieldCode, Pointer},
};

use crate::domain::settings::{Member, members};

/// The settings to change, as a merge patch (RFC 7396) with normalised values.
#[derive(Clone, Debug)]
pub(crate) struct UpdateSettings(Map<String, Value>);

impl UpdateSettings {
    /// The merge patch.
    pub(super) fn into_patch(self) -> Map<String, Value> {
        self.0
    }
}

impl Field for UpdateSettings {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        read_group("", value, at, errors).map(Self)
    }

    fn schema() -> RefOr<Schema> {
        let description = "The settings to change. Fields that are not included stay unchanged; `null` restores the inherited \
            value, for a whole group or one value of it.";
        group_schema("", description)
            .examples([json!({"locale": "en", "retention_days": {"audit": null}})])
            .into()
    }
}

impl PartialSchema for UpdateSettings {
    fn schema() -> RefOr<Schema> {
        <Self as Field>::schema()
    }
}

impl ToSchema for UpdateSettings {
    fn name() -> Cow<'static, str> {
        "UpdateSettings".into()
    }
}

/// Reads the members of a group. Records all errors.
fn read_group(
    group: &str,
    value: Value,
    at: &Pointer,
    errors: &mut Errors,
) -> Option<Map<String, Value>> {
    let object = body::object(value, at, errors)?;
    let count = object.len();
    let mut patch = Map::new();
    for (name, value) in object {
        let at = at.child(&name);
        let member = members(group).find(|(known, _)| *known == name);
        let read = match member {
            None => errors.refuse(&at, FieldCode::UnknownField),
            Some(_) if value.is_null() => Some(Value::Null),
            Some((_, Member::Setting(setting))) => setting.r#type.read(value, &at, errors),
            Some((_, Member::Group(group))) => {
                read_group(group.path, value, &at, errors).map(Value::Object)
            }
        };
        if let Some(value) = read {
            patch.insert(name, value);
        }
    }
    (patch.len() == count).then_some(patch)
}

fn group_schema(group: &str, description: &str) -> ObjectBuilder {
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .description(Some(description));
    members(group).fold(object, |object, (name, member)| {
        let (schema, texts) = match member {
            Member::Setting(setting) => (setting.r#type.input_schema(), setting.texts),
            Member::Group(group) => (
                group_schema(group.path, group.texts.description.en).into(),
                group.texts,
            ),
        };
        let schema = body::nullable(schema);
        object.property(name, body::described(schema, texts.description.en))
    })
}

#[cfg(test)]
mod tests;

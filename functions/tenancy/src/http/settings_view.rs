//! Settings as they are returned.

use std::borrow::Cow;

use access::declarations::{SettingType, TenantSetting, registry};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Schema, schema::Type},
};
use web::body;

use crate::{
    domain::settings::{Member, members},
    store::settings_overrides::{Overrides, Settings},
};

/// All settings, with groups as objects.
#[derive(Clone, Debug)]
pub(crate) struct SettingsView(pub(super) Settings);

impl Serialize for SettingsView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_json().serialize(serializer)
    }
}

impl PartialSchema for SettingsView {
    fn schema() -> RefOr<Schema> {
        group_schema("", "The settings in force.")
    }
}

impl ToSchema for SettingsView {
    fn name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for group in &registry().groups {
            let schema = group_schema(group.path, group.texts.description.en);
            schemas.push((group.schema.to_owned(), schema));
        }
        for setting in &registry().settings {
            if let SettingType::Choice { schema, .. } = setting.r#type {
                let choice = setting.r#type.output_schema();
                let choice = body::described(choice, setting.texts.description.en);
                schemas.push((schema.to_owned(), choice));
            }
        }
    }
}

/// The settings of a tenant that has set none.
pub(super) fn defaults() -> Settings {
    Overrides::default().in_force(&Map::new())
}

fn group_schema(group: &str, description: &str) -> RefOr<Schema> {
    let defaults = defaults();
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description));
    let object = members(group).fold(object, |object, (name, member)| {
        let schema = match member {
            Member::Group(group) => {
                let default = defaults.get(group.path).cloned();
                reference(group.schema, group.texts.description.en, default)
            }
            Member::Setting(setting) => setting_schema(setting),
        };
        object.property(name, schema)
    });
    object.into()
}

fn setting_schema(setting: &TenantSetting) -> RefOr<Schema> {
    let default = setting.r#type.default_value();
    let description = setting.texts.description.en;
    if let SettingType::Choice { schema, .. } = setting.r#type {
        return reference(schema, description, Some(default));
    }
    let mut schema = body::described(setting.r#type.output_schema(), description);
    if default.is_null() {
        schema = body::nullable(schema);
    }
    match &mut schema {
        RefOr::T(Schema::Object(object)) => object.default = Some(default),
        RefOr::T(Schema::Array(array)) => array.default = Some(default),
        _ => {}
    }
    schema
}

fn reference(name: &str, description: &str, default: Option<Value>) -> RefOr<Schema> {
    let mut reference = Ref::from_schema_name(name);
    description.clone_into(&mut reference.description);
    reference.default = default;
    RefOr::Ref(reference)
}

//! Limits and static values of a licence, as requests name them.

use access::usage::Metric;
use serde_json::{Value, json};
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, SchemaType, Type},
};
use web::{
    Localized, SingleLine,
    body::{self, Field},
    problem::{Errors, FieldCode, Pointer},
};

use super::fields::BoundedI64;
use crate::domain::license::{Enforcement, LicenseTerms, LimitValue, LimitValues};

/// The highest limit, 10^15.
pub(crate) const MAX_LIMIT: i64 = 1_000_000_000_000_000;
/// How many static values a licence can have.
const MAX_VALUES: usize = 30;

web::body! {
    /// A metered limit.
    pub struct UpdateLimit {
        /// The limit per month, or for storage the limit at any time.
        pub limit: BoundedI64<0, MAX_LIMIT>,
        /// What happens when the limit is reached. Defaults to `hard`.
        pub enforcement: Option<Enforcement>,
    }
    example { "limit": 10_000_000, "enforcement": "hard" }
}

/// The metered limits to change; `None` removes a limit.
#[derive(Clone, Debug)]
pub(crate) struct UpdateLimits(Vec<(Metric, Option<UpdateLimit>)>);

impl UpdateLimits {
    /// Changes the limits of `terms`.
    pub(crate) fn apply(self, terms: &mut LicenseTerms) {
        for (metric, limit) in self.0 {
            let limit = limit.map(|UpdateLimit { limit, enforcement }| {
                (limit.get(), enforcement.unwrap_or(Enforcement::Hard))
            });
            terms.set_limit(metric, limit);
        }
    }
}

/// As `{"storage_bytes": {"limit": 1000}}`.
impl Field for UpdateLimits {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let object = body::object(value, at, errors)?;
        let count = object.len();
        let mut limits = Vec::new();
        for (name, value) in object {
            let at = at.child(&name);
            let Some(metric) = Metric::parse(&name) else {
                errors.refuse::<()>(&at, FieldCode::UnknownField);
                continue;
            };
            if let Some(limit) = Option::read(value, &at, errors) {
                limits.push((metric, limit));
            }
        }
        (limits.len() == count).then_some(Self(limits))
    }

    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        Metric::all()
            .fold(object, |object, metric| {
                let limit = <Option<UpdateLimit> as Field>::schema();
                let description = metric.declaration().texts.description.en;
                object.property(metric.as_str(), body::described(limit, description))
            })
            .examples([json!({"storage_bytes": {"limit": 107_374_182_400_i64}})])
            .into()
    }
}

/// Static values: numbers and texts under freely chosen names, such as the hours of support.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values(pub(crate) LimitValues);

impl Field for Values {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let object = body::object(value, at, errors)?;
        if object.len() > MAX_VALUES {
            return errors.refuse(at, FieldCode::TooLong(MAX_VALUES));
        }
        let mut complete = true;
        let mut values = LimitValues::new();
        for (name, value) in object {
            let pointer = at.child(&name);
            let read = if is_name(&name) {
                read_value(value, &pointer, errors)
            } else {
                errors.refuse(&pointer, FieldCode::InvalidFormat(INVALID_NAME))
            };
            match read {
                Some(value) => drop(values.insert(name, value)),
                None => complete = false,
            }
        }
        complete.then_some(Self(values))
    }

    fn schema() -> RefOr<Schema> {
        let value = ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::Integer, Type::String]))
            .minimum(Some(0.0))
            .max_length(Some(200));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::RefOr(value.into())))
            .max_properties(Some(MAX_VALUES))
            .into()
    }
}

const INVALID_NAME: Localized = Localized {
    de: "muss aus 1 bis 50 Kleinbuchstaben, Ziffern und Unterstrichen bestehen und darf kein Kontingent bezeichnen",
    en: "must be 1 to 50 lower-case letters, digits and underscores, and not the name of a quota",
};

/// The names of quotas have a meaning of their own where limits are stored.
fn is_name(name: &str) -> bool {
    let is_reserved = name == access::directory::SOFT_LIMITS
        || Metric::all().any(|metric| name == metric.limit_name() || name == metric.as_str());
    (1..=50).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
        && !is_reserved
}

fn read_value(value: Value, at: &Pointer, errors: &mut Errors) -> Option<LimitValue> {
    match value {
        Value::Number(_) => BoundedI64::<0, MAX_LIMIT>::read(value, at, errors)
            .map(|number| LimitValue::Number(number.get())),
        Value::String(_) => SingleLine::<1, 200>::read(value, at, errors)
            .map(|text| LimitValue::Text(text.into_string())),
        _ => errors.refuse(at, FieldCode::WrongType("integer or string")),
    }
}

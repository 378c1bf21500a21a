//! What a request may say of a licence.

use access::usage::Metric;
use serde_json::{Map, Value};
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, SchemaType, Type},
};
use web::{
    Line, Texts,
    body::{self, Change, Field},
    problem::{Errors, FieldCode, Pointer},
};

use super::{amount::Amount, license::Content};

/// The most that a limit can be: a thousand million millions.
pub const MOST: i64 = 1_000_000_000_000_000;
/// Values that one licence can have.
const MOST_VALUES: usize = 30;

web::text_enum! {
    /// What happens at a limit.
    pub enum Enforcement {
        /// More is refused.
        Hard = "hard",
        /// More is counted, and told.
        Soft = "soft",
    }
}

web::body! {
    /// A metered limit.
    pub struct UpdateLimit {
        /// So much in a month; of storage, so much at any time.
        pub limit: Amount<0, MOST>,
        /// What happens there; `hard` unless named.
        pub enforcement: Option<Enforcement>,
    }
    example { "limit": 10_000_000, "enforcement": "hard" }
}

web::body! {
    /// Metered limits to change; those that are not named stay, `null` takes a limit away, and then nothing is counted.
    pub struct UpdateLimits {
        /// Bytes that are stored.
        pub storage_bytes: Change<Option<UpdateLimit>>,
        /// Requests to the API in a month.
        pub api_requests: Change<Option<UpdateLimit>>,
        /// Tokens of language models in a month.
        pub llm_tokens: Change<Option<UpdateLimit>>,
    }
    example { "storage_bytes": { "limit": 107_374_182_400_i64 } }
}

impl UpdateLimits {
    /// Changes what is agreed.
    pub fn apply(self, content: &mut Content) {
        for (metric, change) in [
            (Metric::StorageBytes, self.storage_bytes),
            (Metric::ApiRequests, self.api_requests),
            (Metric::LlmTokens, self.llm_tokens),
        ] {
            let Some(wanted) = change.set() else { continue };
            content.limits.remove(metric.limit_name());
            content.soft.retain(|soft| *soft != metric);
            if let Some(UpdateLimit { limit, enforcement }) = wanted {
                let name = metric.limit_name().to_owned();
                content.limits.insert(name, limit.get().into());
                if enforcement == Some(Enforcement::Soft) {
                    content.soft.push(metric);
                }
            }
        }
        content.soft.sort();
    }
}

/// What simply holds: numbers and texts by names of our choice, such as the hours in which somebody answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Values(pub Map<String, Value>);

impl Field for Values {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let named = body::object(value, at, errors)?;
        if named.len() > MOST_VALUES {
            return errors.refuse(at, FieldCode::TooLong(MOST_VALUES));
        }
        let mut complete = true;
        let mut values = Map::new();
        for (name, value) in named {
            let place = at.child(&name);
            let read = if is_name(&name) {
                read_value(value, &place, errors)
            } else {
                errors.refuse(&place, FieldCode::InvalidFormat(NAME))
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
            .max_properties(Some(MOST_VALUES))
            .into()
    }
}

const NAME: Texts = Texts {
    de: "1 bis 50 Kleinbuchstaben, Ziffern und Unterstriche; Namen der Kontingente sind vergeben",
    en: "1 to 50 lower-case letters, digits and underscores; the names of quotas are taken",
};

/// Names that mean something else where limits are mirrored.
fn is_name(name: &str) -> bool {
    let taken = name == access::directory::SOFT_LIMITS
        || Metric::ALL
            .iter()
            .any(|metric| name == metric.limit_name() || name == metric.as_str());
    (1..=50).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
        && !taken
}

fn read_value(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Value> {
    match value {
        Value::Number(_) => Amount::<0, MOST>::read(value, at, errors).map(|n| n.get().into()),
        Value::String(_) => {
            Line::<1, 200>::read(value, at, errors).map(|text| text.into_string().into())
        }
        _ => errors.refuse(at, FieldCode::WrongType("integer or string")),
    }
}

//! Conditions of a flag, as requests name them.

use access::targeting::{Attribute, Condition, Operator};
use ids::UserId;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use web::{
    SingleLine,
    body::Field,
    fields::Locale,
    problem::{Errors, FieldCode, Pointer},
};

use super::fields::UniqueVec;
use crate::domain::license_type::LicenseType;

web::body! {
    /// A condition on the caller or the tenant.
    pub struct ConditionBody {
        /// The attribute that is compared.
        pub attribute: Attribute,
        /// How the attribute is compared.
        pub operator: Operator,
        /// The values to compare with: role names, user IDs, locales or plans.
        pub values: UniqueVec<SingleLine<1, 100>, 1, 100>,
    }
    example { "attribute": "role", "operator": "in", "values": ["manager", "expert"] }
}

/// A condition whose values are valid for its attribute.
#[derive(Clone, Debug)]
pub(crate) struct FlagCondition(Condition);

impl From<FlagCondition> for Condition {
    fn from(condition: FlagCondition) -> Self {
        condition.0
    }
}

impl FlagCondition {
    /// The roles that it names.
    pub(crate) fn roles(&self) -> &[String] {
        match self.0.attribute {
            Attribute::Role => &self.0.values,
            Attribute::UserId | Attribute::Locale | Attribute::Plan => &[],
        }
    }
}

impl Field for FlagCondition {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let text = ConditionBody::read(value, at, errors)?;
        let pointer = at.child("values");
        let mut complete = true;
        let mut values = Vec::new();
        for (index, value) in text.values.0.into_iter().enumerate() {
            match valid_value(
                text.attribute,
                value.into_string(),
                &pointer.child(index),
                errors,
            ) {
                Some(value) => values.push(value),
                None => complete = false,
            }
        }
        complete.then_some(Self(Condition {
            attribute: text.attribute,
            operator: text.operator,
            values,
        }))
    }

    fn schema() -> RefOr<Schema> {
        <ConditionBody as Field>::schema()
    }
}

/// Normalises a value; refuses one that the attribute can never have.
fn valid_value(
    attribute: Attribute,
    text: String,
    at: &Pointer,
    errors: &mut Errors,
) -> Option<String> {
    match attribute {
        Attribute::Role => Some(text),
        Attribute::UserId => UserId::read(text.into(), at, errors).map(|id| id.to_string()),
        Attribute::Locale => Locale::read(text.into(), at, errors).map(|l| l.as_str().to_owned()),
        Attribute::Plan if LicenseType::parse(&text).is_some() => Some(text),
        Attribute::Plan => {
            let plans: Vec<&str> = LicenseType::ALL.iter().map(|plan| plan.as_str()).collect();
            errors.refuse(at, FieldCode::NotOneOf(plans.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_must_be_valid_for_their_attribute() {
        let read = |attribute: &str, value: &str| {
            let mut errors = Errors::default();
            let body = json!({"attribute": attribute, "operator": "in", "values": [value]});
            FlagCondition::read(body, &Pointer::default(), &mut errors)
                .map(|condition| condition.0.values)
                .ok_or_else(|| errors.into_list()[0].pointer.clone())
        };
        let id = "019AB1F2-6D3E-7C11-8E5A-3B1A2C3D4E5F";
        assert_eq!(read("user_id", id).unwrap(), [id.to_lowercase()]);
        assert_eq!(read("locale", "de-AT").unwrap(), ["de-AT"]);
        assert_eq!(read("role", "Anything").unwrap(), ["Anything"]);
        assert_eq!(read("plan", "trial").unwrap(), ["trial"]);
        for (attribute, value) in [("user_id", "me"), ("locale", "fr"), ("plan", "gold")] {
            assert_eq!(read(attribute, value).unwrap_err(), "/values/0");
        }
        assert_eq!(read("shoe_size", "42").unwrap_err(), "/attribute");
    }
}

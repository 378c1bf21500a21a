//! Targeting of feature flags within a tenant: a percentage rollout, restricted by conditions.
//!
//! Evaluation is pure: it only uses the projected flag and the caller, and needs no query.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::opaque::sha256;

web::text_enum! {
    /// The attribute that a condition tests.
    pub enum Attribute {
        /// The name of the caller's role; `api_key` for keys.
        Role = "role",
        /// The caller's identifier.
        UserId = "user_id",
        /// The caller's locale, such as `de` or `de-AT`.
        Locale = "locale",
        /// The plan of the tenant's licence.
        Plan = "plan",
    }
}

web::text_enum! {
    /// The operator of a condition.
    pub enum Operator {
        /// One of the values.
        In = "in",
        /// None of the values.
        NotIn = "not_in",
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"attribute": "role", "operator": "in", "values": ["admin", "manager"]}))]
pub struct Condition {
    /// The attribute.
    pub attribute: Attribute,
    /// The operator.
    pub operator: Operator,
    /// The values.
    pub values: Vec<String>,
}

impl Condition {
    /// Whether `actual` satisfies the condition.
    pub fn matches(&self, actual: &str) -> bool {
        let named = self.values.iter().any(|value| value == actual);
        match self.operator {
            Operator::In => named,
            Operator::NotIn => !named,
        }
    }
}

/// The caller for whom a rule is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct EvaluationContext<'a> {
    /// The person or key.
    pub id: Uuid,
    /// The name of the role.
    pub role: &'a str,
    /// The locale.
    pub locale: &'a str,
}

/// For whom a feature is enabled, as projected to `access.tenants` where it is not simply on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetingRule {
    /// When the feature ends, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Percentage of callers.
    pub rollout: i16,
    /// Conditions, all of which must match.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

impl TargetingRule {
    /// The rule of a projected flag; `None` if the flag is simply on or off.
    pub fn from_projection(projected: &Value) -> Option<Self> {
        if projected.is_object() {
            Self::deserialize(projected).ok()
        } else {
            None
        }
    }

    /// Whether the rule matches, assuming that the feature has not ended.
    pub fn matches(&self, feature: &str, member: EvaluationContext<'_>) -> bool {
        bucket(feature, member.id) < self.rollout
            && self.conditions.iter().all(|condition| {
                let matches = |actual: &str| condition.matches(actual);
                match condition.attribute {
                    Attribute::Role => matches(member.role),
                    Attribute::UserId => matches(&member.id.to_string()),
                    Attribute::Locale => matches(member.locale),
                    // The same for all callers of a tenant: decided before the projection.
                    Attribute::Plan => false,
                }
            })
    }
}

/// The rollout bucket of a caller for this feature, from 0 to 99. It is stable, so a growing rollout only adds callers.
pub fn bucket(feature: &str, member: Uuid) -> i16 {
    let hash = sha256(format!("{feature}\nmember\n{member}").as_bytes());
    let number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    i16::try_from(number % 100).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn member(id: u128) -> EvaluationContext<'static> {
        EvaluationContext {
            id: Uuid::from_u128(id),
            role: "expert",
            locale: "de-AT",
        }
    }

    fn audience(rollout: i16, conditions: Value) -> TargetingRule {
        TargetingRule::from_projection(&json!({"rollout": rollout, "conditions": conditions}))
            .unwrap()
    }

    #[test]
    fn all_conditions_must_match() {
        let condition = |attribute: &str, operator: &str, value: &str| json!({"attribute": attribute, "operator": operator, "values": ["x", value]});
        let id = Uuid::from_u128(7).to_string();
        for (attribute, value) in [
            ("role", "expert"),
            ("locale", "de-AT"),
            ("user_id", id.as_str()),
        ] {
            let one = |operator| audience(100, json!([condition(attribute, operator, value)]));
            assert!(one("in").matches("ai", member(7)), "{attribute}");
            assert!(!one("not_in").matches("ai", member(7)), "{attribute}");
        }
        let both = json!([
            condition("role", "in", "expert"),
            condition("locale", "in", "en")
        ]);
        assert!(!audience(100, both).matches("ai", member(7)));
    }

    #[test]
    fn a_flag_that_is_on_or_off_or_malformed_has_no_rule() {
        for mirrored in [
            json!(true),
            json!("2026-11-20T10:00:00Z"),
            Value::Null,
            json!({"rollout": "all"}),
            json!({"rollout": 5, "conditions": [{"attribute": "shoe_size", "operator": "in", "values": []}]}),
        ] {
            assert_eq!(
                TargetingRule::from_projection(&mirrored),
                None,
                "{mirrored}"
            );
        }
    }

    #[test]
    fn features_start_with_different_people() {
        let first = |feature: &str| -> Vec<u128> {
            (0..1_000)
                .filter(|id| bucket(feature, Uuid::from_u128(*id)) < 10)
                .collect()
        };
        let (ai, billing) = (first("ai"), first("billing"));
        assert!((60..140).contains(&ai.len()), "{}", ai.len());
        let both = ai.iter().filter(|id| billing.contains(id)).count();
        assert!(both < ai.len() / 2, "{both} of {}", ai.len());
    }

    proptest! {
        #[test]
        fn a_growing_rollout_only_adds_people(id in any::<u128>(), small in 0_i16..=100, more in 0_i16..=100) {
            let large = (small + more).min(100);
            let of = |rollout| audience(rollout, json!([])).matches("ai", member(id));
            prop_assert!(!of(small) || of(large));
            prop_assert!(of(100) && !of(0));
        }
    }
}

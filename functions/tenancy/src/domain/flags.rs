//! Feature flags: which contexts a tenant has switched on.

use access::{
    audience::{Attribute, Audience, Condition},
    opaque::sha256,
};
use chrono::{DateTime, SecondsFormat, Utc};
use ids::TenantId;
use serde_json::{Map, Value};
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, Type},
};
use web::{
    body::{self, Field},
    problem::{Errors, FieldCode, Pointer},
};

use super::license::LicenseType;

web::text_enum! {
    /// A context that a tenant can switch on.
    pub enum Flag {
        /// Tickets.
        Support = "support",
        /// Uploads.
        Files = "files",
        /// Events and admissions.
        Ticketing = "ticketing",
        /// Payments and invoices.
        Billing = "billing",
        /// Experts and appointments.
        Consulting = "consulting",
        /// Clients, projects, tasks.
        Projects = "projects",
        /// Places and placements.
        Childcare = "childcare",
        /// Conversations.
        Messaging = "messaging",
        /// Language models and agents.
        Ai = "ai",
    }
}

impl Flag {
    /// Whether it is on in a tenant that never said anything else.
    pub fn default_enabled(self) -> bool {
        matches!(self, Self::Support | Self::Files)
    }

    /// Where `tenant` stands in a roll-out of this flag, from 0 to 99. It never moves, so a growing roll-out only adds.
    pub fn bucket(self, tenant: TenantId) -> u8 {
        let hash = sha256(format!("{self}\n{tenant}").as_bytes());
        let number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
        u8::try_from(number % 100).unwrap_or_default()
    }
}

/// What the licence says of flags: one that is not in it is off, whatever else is said of it.
#[derive(Clone, Copy, Debug)]
pub struct Licensed<'a> {
    /// Its plan.
    pub plan: LicenseType,
    /// The contexts in it; every one when it is `None`.
    pub features: Option<&'a [Flag]>,
}

impl Licensed<'_> {
    /// Whether the context is in it.
    pub fn contains(&self, flag: Flag) -> bool {
        self.features
            .is_none_or(|features| features.contains(&flag))
    }
}

/// How a flag stands in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagState {
    /// Which.
    pub flag: Flag,
    /// Whether it is switched on.
    pub enabled: bool,
    /// For how many of a hundred tenants that have it switched on it counts.
    pub rollout: i16,
    /// When it switches itself off.
    pub expires_at: Option<DateTime<Utc>>,
    /// For how many of a hundred people of the tenant it counts.
    pub user_rollout: i16,
    /// What must hold besides.
    pub conditions: Vec<Condition>,
}

impl FlagState {
    /// How it stands in a tenant that never said anything else.
    pub fn default_of(flag: Flag) -> Self {
        Self {
            flag,
            enabled: flag.default_enabled(),
            rollout: 100,
            expires_at: None,
            user_rollout: 100,
            conditions: Vec::new(),
        }
    }

    /// Whether it counts at `now`, if only for some people of the tenant.
    pub fn is_on(&self, tenant: TenantId, licensed: Licensed<'_>, now: DateTime<Utc>) -> bool {
        self.is_selected(tenant, licensed) && self.expires_at.is_none_or(|end| end > now)
    }

    fn is_selected(&self, tenant: TenantId, licensed: Licensed<'_>) -> bool {
        let plan = licensed.plan.as_str();
        self.enabled
            && self.user_rollout > 0
            && licensed.contains(self.flag)
            && i16::from(self.flag.bucket(tenant)) < self.rollout
            && self
                .conditions
                .iter()
                .all(|condition| condition.attribute != Attribute::Plan || condition.holds(plan))
    }

    /// For whom it counts, where that is not everybody in the tenant.
    fn audience(&self) -> Option<Audience> {
        let mut conditions = self.conditions.clone();
        conditions.retain(|condition| condition.attribute != Attribute::Plan);
        let everybody = self.user_rollout == 100 && conditions.is_empty();
        (!everybody).then_some(Audience {
            until: self.expires_at,
            rollout: self.user_rollout,
            conditions,
        })
    }

    /// As every function reads it: on, off, on for an audience, or on until the time that stands there, because the hour at
    /// which a flag ends announces itself to nobody.
    fn mirror(&self, tenant: TenantId, licensed: Licensed<'_>) -> Value {
        if !self.is_selected(tenant, licensed) {
            return Value::Bool(false);
        }
        match (self.audience(), self.expires_at) {
            (Some(audience), _) => serde_json::to_value(audience).unwrap_or(Value::Bool(false)),
            (None, Some(end)) => Value::String(end.to_rfc3339_opts(SecondsFormat::Micros, true)),
            (None, None) => Value::Bool(true),
        }
    }
}

/// All flags: those that are stored, and the defaults of the others.
pub fn complete(stored: &[FlagState]) -> Vec<FlagState> {
    Flag::ALL
        .iter()
        .map(|flag| {
            stored
                .iter()
                .find(|state| state.flag == *flag)
                .cloned()
                .unwrap_or_else(|| FlagState::default_of(*flag))
        })
        .collect()
}

/// The flags as `access.tenants` mirrors them.
pub fn mirror(
    states: &[FlagState],
    tenant: TenantId,
    licensed: Licensed<'_>,
) -> Map<String, Value> {
    states
        .iter()
        .map(|state| (state.flag.to_string(), state.mirror(tenant, licensed)))
        .collect()
}

/// Flags with which a tenant begins, as `{"support": true}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagChoices(Vec<(Flag, bool)>);

impl FlagChoices {
    /// The states that a new tenant begins with.
    pub fn states(&self) -> Vec<FlagState> {
        let mut states = complete(&[]);
        for state in &mut states {
            if let Some((_, enabled)) = self.0.iter().find(|(flag, _)| *flag == state.flag) {
                state.enabled = *enabled;
            }
        }
        states
    }
}

impl Field for FlagChoices {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let mut choices = Vec::new();
        let mut complete = true;
        for (name, value) in body::object(value, at, errors)? {
            let place = at.child(&name);
            let Some(flag) = Flag::parse(&name) else {
                complete = false;
                errors.refuse::<()>(&place, FieldCode::UnknownField);
                continue;
            };
            match bool::read(value, &place, errors) {
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
        Flag::ALL
            .iter()
            .fold(object, |object, flag| {
                object.property(flag.as_str(), bool::schema())
            })
            .into()
    }
}

#[cfg(test)]
mod tests;

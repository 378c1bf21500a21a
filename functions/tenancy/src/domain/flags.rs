//! Feature flags: which contexts are switched on for a tenant.

use std::collections::BTreeMap;

pub(crate) use access::declarations::Flag;
use access::{
    opaque::sha256,
    targeting::{Attribute, Condition, TargetingRule},
};
use chrono::{DateTime, Utc};
use ids::TenantId;

use super::license_type::LicenseType;

/// The tenant's bucket in a rollout of this flag, from 0 to 99. It never changes, so a growing rollout only adds tenants.
fn bucket(flag: Flag, tenant: TenantId) -> u8 {
    let hash = sha256(format!("{flag}\n{tenant}").as_bytes());
    let number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    u8::try_from(number % 100).unwrap_or_default()
}

/// The contexts that a licence includes. A flag outside the licence is off, whatever its state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LicensedFeatures<'a> {
    /// The plan.
    pub(crate) plan: LicenseType,
    /// The included contexts; `None` means all.
    pub(crate) features: Option<&'a [Flag]>,
}

impl LicensedFeatures<'_> {
    /// Whether the licence includes the context.
    pub(crate) fn contains(&self, flag: Flag) -> bool {
        self.features
            .is_none_or(|features| features.contains(&flag))
    }
}

/// The state of a flag for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlagState {
    pub(crate) flag: Flag,
    pub(crate) enabled: bool,
    /// Percentage of tenants for which an enabled flag is on.
    pub(crate) rollout: i16,
    /// When the flag switches itself off.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// Percentage of the tenant's users for whom the flag is on.
    pub(crate) user_rollout: i16,
    /// Conditions that must all hold.
    pub(crate) conditions: Vec<Condition>,
}

/// A flag as the other functions read it. The time at which a flag expires is part of it, because no event marks that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FlagProjection {
    Off,
    On,
    OnUntil(DateTime<Utc>),
    OnFor(TargetingRule),
}

impl FlagState {
    /// The state for a tenant for which the flag was never changed.
    pub(crate) fn default_of(flag: Flag) -> Self {
        Self {
            flag,
            enabled: flag.declaration().on_by_default,
            rollout: 100,
            expires_at: None,
            user_rollout: 100,
            conditions: Vec::new(),
        }
    }

    /// Whether the flag is on at `now` for at least some users of the tenant.
    pub(crate) fn is_on(
        &self,
        tenant: TenantId,
        licensed: LicensedFeatures<'_>,
        now: DateTime<Utc>,
    ) -> bool {
        self.is_selected(tenant, licensed) && self.expires_at.is_none_or(|end| end > now)
    }

    fn is_selected(&self, tenant: TenantId, licensed: LicensedFeatures<'_>) -> bool {
        let plan = licensed.plan.as_str();
        self.enabled
            && self.user_rollout > 0
            && licensed.contains(self.flag)
            && i16::from(bucket(self.flag, tenant)) < self.rollout
            && self
                .conditions
                .iter()
                .all(|condition| condition.attribute != Attribute::Plan || condition.matches(plan))
    }

    /// The users for whom the flag is on; `None` means all users of the tenant.
    fn targeting_rule(&self) -> Option<TargetingRule> {
        let mut conditions = self.conditions.clone();
        conditions.retain(|condition| condition.attribute != Attribute::Plan);
        let is_for_all = self.user_rollout == 100 && conditions.is_empty();
        (!is_for_all).then_some(TargetingRule {
            until: self.expires_at,
            rollout: self.user_rollout,
            conditions,
        })
    }

    fn project(&self, tenant: TenantId, licensed: LicensedFeatures<'_>) -> FlagProjection {
        if !self.is_selected(tenant, licensed) {
            return FlagProjection::Off;
        }
        match (self.targeting_rule(), self.expires_at) {
            (Some(rule), _) => FlagProjection::OnFor(rule),
            (None, Some(end)) => FlagProjection::OnUntil(end),
            (None, None) => FlagProjection::On,
        }
    }
}

/// The states of all flags: the stored ones, and defaults for the others.
pub(crate) fn with_defaults(stored: &[FlagState]) -> Vec<FlagState> {
    Flag::all()
        .map(|flag| {
            stored
                .iter()
                .find(|state| state.flag == flag)
                .cloned()
                .unwrap_or_else(|| FlagState::default_of(flag))
        })
        .collect()
}

/// The flags as the other functions read them.
pub(crate) fn project(
    states: &[FlagState],
    tenant: TenantId,
    licensed: LicensedFeatures<'_>,
) -> BTreeMap<Flag, FlagProjection> {
    states
        .iter()
        .map(|state| (state.flag, state.project(tenant, licensed)))
        .collect()
}

/// Flags to switch on or off for a new tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FlagChoices(pub(crate) Vec<(Flag, bool)>);

impl FlagChoices {
    /// The initial states of a new tenant's flags.
    pub(crate) fn states(&self) -> Vec<FlagState> {
        let mut states = with_defaults(&[]);
        for state in &mut states {
            if let Some((_, enabled)) = self.0.iter().find(|(flag, _)| *flag == state.flag) {
                state.enabled = *enabled;
            }
        }
        states
    }
}

#[cfg(test)]
mod tests;

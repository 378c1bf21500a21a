//! Licences: what a tenant has bought, for which period, and what it may use.
//!
//! A licence covers contexts (included or not), static values, and metered limits. It is in force from its beginning until
//! before its end. A licence is never edited: a new one supersedes it.

use std::collections::BTreeMap;

use crate::ids::LicenseId;
use access::usage::Metric;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    flags::{Flag, LicensedFeatures},
    license_type::LicenseType,
};

web::text_enum! {
    /// What happens when a limit is reached.
    pub enum Enforcement {
        /// Further use is refused.
        Hard = "hard",
        /// Further use is counted, and the admins are warned.
        Soft = "soft",
    }
}

/// A limit or a static value: a whole number or a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum LimitValue {
    Number(i64),
    Text(String),
}

/// Limits and static values by name.
pub(crate) type LimitValues = BTreeMap<String, LimitValue>;

/// What a licence of this plan includes by default.
fn default_limits(plan: LicenseType) -> LimitValues {
    let metered = Metric::all().map(|metric| {
        let included = metric.declaration().included;
        let limit = match plan {
            LicenseType::Trial => included.trial,
            LicenseType::Standard => included.standard,
            LicenseType::Enterprise | LicenseType::Internal => included.enterprise,
        };
        (metric.limit_name(), limit)
    });
    // Demo, benchmark and test traffic must not run into rate limits.
    let rates: &[_] = match plan {
        LicenseType::Internal => &[
            ("requests_per_minute_per_user", 1_000_000),
            ("requests_per_minute_per_key", 1_000_000),
        ],
        _ => &[],
    };
    metered
        .chain(rates.iter().copied())
        .map(|(name, limit)| (name.to_owned(), LimitValue::Number(limit)))
        .collect()
}

/// The terms of a licence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LicenseTerms {
    pub(crate) plan: LicenseType,
    pub(crate) seats: i32,
    /// The included contexts; `None` means all.
    pub(crate) features: Option<Vec<Flag>>,
    /// Metered limits and static values by name.
    pub(crate) limits: LimitValues,
    /// The limits that warn instead of refusing.
    pub(crate) soft: Vec<Metric>,
}

impl LicenseTerms {
    /// The default terms of a plan.
    pub(crate) fn of_plan(plan: LicenseType, seats: i32) -> Self {
        Self {
            plan,
            seats,
            features: None,
            limits: default_limits(plan),
            soft: Vec::new(),
        }
    }

    /// The same terms under another plan: limits and values follow the plan, contexts stay as agreed.
    pub(crate) fn with_plan(self, plan: LicenseType) -> Self {
        if plan == self.plan {
            return self;
        }
        Self {
            features: self.features,
            ..Self::of_plan(plan, self.seats)
        }
    }

    /// The limit of a metric, if one is agreed.
    pub(crate) fn limit(&self, metric: Metric) -> Option<i64> {
        match self.limits.get(metric.limit_name())? {
            LimitValue::Number(limit) => Some(*limit),
            LimitValue::Text(_) => None,
        }
    }

    /// Sets or removes the limit of a metric.
    pub(crate) fn set_limit(&mut self, metric: Metric, limit: Option<(i64, Enforcement)>) {
        self.limits.remove(metric.limit_name());
        self.soft.retain(|soft| *soft != metric);
        if let Some((limit, enforcement)) = limit {
            let name = metric.limit_name().to_owned();
            self.limits.insert(name, LimitValue::Number(limit));
            if enforcement == Enforcement::Soft {
                self.soft.push(metric);
            }
        }
        self.soft.sort();
    }

    /// What happens at the limit of a metric.
    pub(crate) fn enforcement(&self, metric: Metric) -> Enforcement {
        if self.soft.contains(&metric) {
            Enforcement::Soft
        } else {
            Enforcement::Hard
        }
    }

    /// The static values, by name.
    pub(crate) fn values(&self) -> LimitValues {
        let metered = |name: &str| Metric::all().any(|metric| metric.limit_name() == name);
        let values = self.limits.iter().filter(|(name, _)| !metered(name));
        values
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Replaces all static values.
    pub(crate) fn set_values(&mut self, values: LimitValues) {
        let replaced = self.values();
        self.limits.retain(|name, _| !replaced.contains_key(name));
        self.limits.extend(values);
    }

    /// The included contexts.
    pub(crate) fn licensed_features(&self) -> LicensedFeatures<'_> {
        LicensedFeatures {
            plan: self.plan,
            features: self.features.as_deref(),
        }
    }
}

/// A licence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct License {
    pub(crate) id: LicenseId,
    pub(crate) terms: LicenseTerms,
    /// From when it is in force.
    pub(crate) valid_from: DateTime<Utc>,
    /// The exclusive end; `None` means never. Equal to the beginning if the licence was superseded before it took
    /// effect.
    pub(crate) valid_to: Option<DateTime<Utc>>,
    /// When another licence superseded it.
    pub(crate) superseded_at: Option<DateTime<Utc>>,
    /// When it was agreed.
    pub(crate) created_at: DateTime<Utc>,
}

impl License {
    /// Whether the licence is in force at `at`.
    pub(crate) fn is_in_force(&self, at: DateTime<Utc>) -> bool {
        self.valid_from <= at && self.valid_to.is_none_or(|end| at < end)
    }

    /// Whether the licence is in force at any time.
    pub(crate) fn is_ever_in_force(&self) -> bool {
        self.valid_to.is_none_or(|end| self.valid_from < end)
    }

    fn overlaps(&self, from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> bool {
        self.is_ever_in_force()
            && to.is_none_or(|to| self.valid_from < to)
            && self.valid_to.is_none_or(|end| from < end)
    }
}

/// Whether a tenant is licensed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LicenseStatus<'a> {
    /// The tenant never had a licence: nothing is limited.
    Unlicensed,
    /// This licence is in force.
    InForce(&'a License),
    /// The last licence has ended: contexts are off, and no one can be added.
    Expired,
}

/// The status at `at` of a tenant with these licences.
pub(crate) fn license_status(licenses: &[License], at: DateTime<Utc>) -> LicenseStatus<'_> {
    if let Some(license) = in_force(licenses, at) {
        LicenseStatus::InForce(license)
    } else if licenses
        .iter()
        .any(|l| l.is_ever_in_force() && l.valid_from <= at)
    {
        LicenseStatus::Expired
    } else {
        LicenseStatus::Unlicensed
    }
}

/// The licence in force at `at`.
pub(crate) fn in_force(licenses: &[License], at: DateTime<Utc>) -> Option<&License> {
    licenses.iter().find(|license| license.is_in_force(at))
}

/// The licence that a new one from `at` on continues: the one in force, or else the last that ended.
pub(crate) fn predecessor(licenses: &[License], at: DateTime<Utc>) -> Option<&License> {
    in_force(licenses, at).or_else(|| {
        let begun = licenses
            .iter()
            .filter(|l| l.is_ever_in_force() && l.valid_from <= at);
        begun.max_by_key(|license| license.valid_from)
    })
}

/// The default end of a licence that begins at `at`: the end of the one that it supersedes, or the beginning of the
/// next one.
pub(crate) fn default_end(licenses: &[License], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match in_force(licenses, at) {
        Some(license) => license.valid_to,
        None => upcoming(licenses, at).first().map(|next| next.valid_from),
    }
}

/// The licences that begin after `now`, earliest first.
pub(crate) fn upcoming(licenses: &[License], now: DateTime<Utc>) -> Vec<&License> {
    let mut later: Vec<&License> = licenses
        .iter()
        .filter(|license| license.is_ever_in_force() && license.valid_from > now)
        .collect();
    later.sort_by_key(|license| license.valid_from);
    later
}

/// The times after `now` at which a licence begins or ends.
pub(crate) fn boundaries(licenses: &[License], now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut boundaries: Vec<DateTime<Utc>> = licenses
        .iter()
        .filter(|license| license.is_ever_in_force())
        .flat_map(|license| [Some(license.valid_from), license.valid_to])
        .flatten()
        .filter(|boundary| *boundary > now)
        .collect();
    boundaries.sort();
    boundaries.dedup();
    boundaries
}

/// Adds `new`. Every licence that overlaps with it ends where it begins, or never takes effect. Returns the superseded
/// ones.
pub(crate) fn supersede(licenses: &mut Vec<License>, new: License) -> Vec<License> {
    let mut superseded = Vec::new();
    for license in licenses.iter_mut() {
        if license.overlaps(new.valid_from, new.valid_to) {
            license.valid_to = Some(license.valid_from.max(new.valid_from));
            license.superseded_at = Some(new.created_at);
            superseded.push(license.clone());
        }
    }
    licenses.push(new);
    superseded
}

#[cfg(test)]
mod tests;

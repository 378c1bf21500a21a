//! Licences: what a tenant pays for, when, and what it may use for that.
//!
//! Three kinds of things are licensed: contexts, which are in it or not; values, which hold; and limits, up to which something
//! is used. A licence is in force from its beginning until before its end. It is never edited: another takes its place.

use access::usage::Metric;
use chrono::{DateTime, Utc};
use ids::LicenseId;
use serde_json::{Map, Value};

use super::flags::{Flag, Licensed};

web::text_enum! {
    /// The plan of a licence.
    pub enum LicenseType {
        /// To try it out.
        Trial = "trial",
        /// The usual one.
        Standard = "standard",
        /// For large organisations.
        Enterprise = "enterprise",
        /// Ours.
        Internal = "internal",
    }
}

const GIB: i64 = 1 << 30;

impl LicenseType {
    /// What a licence of this plan allows unless something else is agreed: bytes of storage, requests to the API and
    /// language model tokens a month.
    pub fn limits(self) -> Map<String, Value> {
        let (storage, requests, tokens) = match self {
            Self::Trial => (5 * GIB, 1_000_000, 100_000),
            Self::Standard => (100 * GIB, 10_000_000, 2_000_000),
            Self::Enterprise | Self::Internal => (1_024 * GIB, 100_000_000, 20_000_000),
        };
        let mut limits = Map::new();
        for (metric, limit) in [
            (Metric::StorageBytes, storage),
            (Metric::ApiRequests, requests),
            (Metric::LlmTokens, tokens),
        ] {
            limits.insert(metric.limit_name().to_owned(), limit.into());
        }
        if self == Self::Internal {
            // Demo, bench and test tenants: no walk is hidden behind a 429 (decisions.md 18).
            for rate in [
                "requests_per_minute_per_user",
                "requests_per_minute_per_key",
            ] {
                limits.insert(rate.to_owned(), 1_000_000.into());
            }
        }
        limits
    }
}

/// What is agreed.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// The plan.
    pub plan: LicenseType,
    /// How many people it seats.
    pub seats: i32,
    /// The contexts in it; every one when it is `None`.
    pub features: Option<Vec<Flag>>,
    /// Limits under their names, and values under theirs.
    pub limits: Map<String, Value>,
    /// The limits that warn and never refuse.
    pub soft: Vec<Metric>,
}

impl Content {
    /// What a plan contains unless something else is agreed.
    pub fn of_plan(plan: LicenseType, seats: i32) -> Self {
        Self {
            plan,
            seats,
            features: None,
            limits: plan.limits(),
            soft: Vec::new(),
        }
    }

    /// The same under another plan: limits and values follow the plan, contexts stay as agreed.
    pub fn under(self, plan: LicenseType) -> Self {
        if plan == self.plan {
            return self;
        }
        Self {
            features: self.features,
            ..Self::of_plan(plan, self.seats)
        }
    }

    /// The limit of a metric, if there is one.
    pub fn limit(&self, metric: Metric) -> Option<i64> {
        self.limits.get(metric.limit_name())?.as_i64()
    }

    /// What simply holds, by name.
    pub fn values(&self) -> Map<String, Value> {
        let metered = |name: &str| Metric::ALL.iter().any(|metric| metric.limit_name() == name);
        let values = self.limits.iter().filter(|(name, _)| !metered(name));
        values
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Puts other values in the place of those there are.
    pub fn set_values(&mut self, values: Map<String, Value>) {
        let gone = self.values();
        self.limits.retain(|name, _| !gone.contains_key(name));
        self.limits.extend(values);
    }

    /// For flags.
    pub fn licensed(&self) -> Licensed<'_> {
        Licensed {
            plan: self.plan,
            features: self.features.as_deref(),
        }
    }
}

/// A licence.
#[derive(Clone, Debug, PartialEq)]
pub struct License {
    /// Its identifier.
    pub id: LicenseId,
    /// What is agreed.
    pub content: Content,
    /// From when it is in force.
    pub valid_from: DateTime<Utc>,
    /// Until before when; for ever when it is `None`. Where it is the beginning too, the licence never is in force.
    pub valid_to: Option<DateTime<Utc>>,
    /// When another took its place.
    pub superseded_at: Option<DateTime<Utc>>,
    /// When it was agreed.
    pub created_at: DateTime<Utc>,
}

impl License {
    /// Whether it is in force at `at`.
    pub fn is_in_force(&self, at: DateTime<Utc>) -> bool {
        self.valid_from <= at && self.valid_to.is_none_or(|end| at < end)
    }

    /// Whether it ever is.
    pub fn is_real(&self) -> bool {
        self.valid_to.is_none_or(|end| self.valid_from < end)
    }

    fn overlaps(&self, from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> bool {
        self.is_real()
            && to.is_none_or(|to| self.valid_from < to)
            && self.valid_to.is_none_or(|end| from < end)
    }
}

/// How a tenant stands at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing<'a> {
    /// Nothing has ever been licensed: nothing is limited.
    Unlicensed,
    /// By this licence.
    Licensed(&'a License),
    /// The last licence has ended: contexts are off, and nobody can be added.
    Ended,
}

/// How a tenant with these licences stands at `at`.
pub fn standing(licenses: &[License], at: DateTime<Utc>) -> Standing<'_> {
    if let Some(license) = in_force(licenses, at) {
        Standing::Licensed(license)
    } else if licenses.iter().any(|l| l.is_real() && l.valid_from <= at) {
        Standing::Ended
    } else {
        Standing::Unlicensed
    }
}

/// The licence in force at `at`.
pub fn in_force(licenses: &[License], at: DateTime<Utc>) -> Option<&License> {
    licenses.iter().find(|license| license.is_in_force(at))
}

/// The licence that one from `at` on continues: the one in force, else the last that ended.
pub fn predecessor(licenses: &[License], at: DateTime<Utc>) -> Option<&License> {
    in_force(licenses, at).or_else(|| {
        let begun = licenses
            .iter()
            .filter(|l| l.is_real() && l.valid_from <= at);
        begun.max_by_key(|license| license.valid_from)
    })
}

/// Until when one from `at` on lasts, unless something else is said: as long as the one whose place it takes, or until the next
/// begins.
pub fn usual_end(licenses: &[License], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match in_force(licenses, at) {
        Some(license) => license.valid_to,
        None => upcoming(licenses, at).first().map(|next| next.valid_from),
    }
}

/// Those that begin after `now`, the next first.
pub fn upcoming(licenses: &[License], now: DateTime<Utc>) -> Vec<&License> {
    let mut later: Vec<&License> = licenses
        .iter()
        .filter(|license| license.is_real() && license.valid_from > now)
        .collect();
    later.sort_by_key(|license| license.valid_from);
    later
}

/// The hours after `now` at which a licence begins or ends.
pub fn turns(licenses: &[License], now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut turns: Vec<DateTime<Utc>> = licenses
        .iter()
        .filter(|license| license.is_real())
        .flat_map(|license| [Some(license.valid_from), license.valid_to])
        .flatten()
        .filter(|turn| *turn > now)
        .collect();
    turns.sort();
    turns.dedup();
    turns
}

/// Puts `new` among the licences; every other whose time it takes ends where it begins, or never begins. Answers those that
/// gave way, as they are now.
pub fn supersede(licenses: &mut Vec<License>, new: License) -> Vec<License> {
    let mut gave_way = Vec::new();
    for license in licenses.iter_mut() {
        if license.overlaps(new.valid_from, new.valid_to) {
            license.valid_to = Some(license.valid_from.max(new.valid_from));
            license.superseded_at = Some(new.created_at);
            gave_way.push(license.clone());
        }
    }
    licenses.push(new);
    gave_way
}

#[cfg(test)]
mod tests;

//! What every function must know of licence and flags: as it is now, and as it will be at each hour at which a licence turns.

use access::{Terms, directory::SOFT_LIMITS, usage::Metric};
use chrono::{DateTime, Utc};
use ids::TenantId;
use serde_json::{Map, Value};

use super::{
    flags::{self, FlagState, Licensed},
    license::{self, Content, License, LicenseType, Standing},
};

/// The mirror of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// Its features now.
    pub features: Map<String, Value>,
    /// Its limits and seats now; `None` leaves those of a tenant for which nothing was ever agreed.
    pub agreed: Option<(Map<String, Value>, i32)>,
    /// What will hold later.
    pub upcoming: Vec<Terms>,
}

/// The mirror at `now`. `plan` counts where nothing was ever agreed.
pub fn of(
    tenant: TenantId,
    plan: LicenseType,
    licenses: &[License],
    states: &[FlagState],
    now: DateTime<Utc>,
) -> Mirror {
    let upcoming = license::turns(licenses, now)
        .into_iter()
        .map(|from| {
            let (limits, max_users) = agreed(licenses, from).unwrap_or_default();
            Terms {
                from,
                features: features(tenant, plan, licenses, states, from),
                limits,
                max_users,
            }
        })
        .collect();
    Mirror {
        features: features(tenant, plan, licenses, states, now),
        agreed: agreed(licenses, now),
        upcoming,
    }
}

/// What the licence says of flags at `at`.
pub fn licensed(licenses: &[License], plan: LicenseType, at: DateTime<Utc>) -> Licensed<'_> {
    match license::standing(licenses, at) {
        Standing::Licensed(license) => license.content.licensed(),
        Standing::Unlicensed => Licensed {
            plan,
            features: None,
        },
        Standing::Ended => Licensed {
            plan,
            features: Some(&[]),
        },
    }
}

fn features(
    tenant: TenantId,
    plan: LicenseType,
    licenses: &[License],
    states: &[FlagState],
    at: DateTime<Utc>,
) -> Map<String, Value> {
    flags::mirror(states, tenant, licensed(licenses, plan, at))
}

fn agreed(licenses: &[License], at: DateTime<Utc>) -> Option<(Map<String, Value>, i32)> {
    match license::standing(licenses, at) {
        Standing::Unlicensed => None,
        Standing::Licensed(license) => Some((limits(&license.content), license.content.seats)),
        Standing::Ended => Some((nothing_more(), 0)),
    }
}

fn limits(content: &Content) -> Map<String, Value> {
    let mut limits = content.limits.clone();
    if !content.soft.is_empty() {
        let names = content.soft.iter().map(|metric| metric.limit_name());
        limits.insert(SOFT_LIMITS.to_owned(), names.collect());
    }
    limits
}

/// After the end nothing more is stored or generated. Requests are not cut off: somebody has to read, export, and renew.
fn nothing_more() -> Map<String, Value> {
    [Metric::StorageBytes, Metric::LlmTokens]
        .map(|metric| (metric.limit_name().to_owned(), 0.into()))
        .into_iter()
        .collect()
}

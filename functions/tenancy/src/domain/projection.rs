//! What the other functions must know about a tenant's licence and flags: as it is now, and from each later time at which a
//! licence begins or ends.

use std::collections::BTreeMap;

use access::usage::Metric;
use chrono::{DateTime, Utc};
use ids::TenantId;

use super::{
    flags::{self, Flag, FlagProjection, FlagState, LicensedFeatures},
    license::{self, License, LicenseStatus, LicenseTerms, LimitValue, LimitValues},
    license_type::LicenseType,
};

/// The flags by name.
pub(crate) type Features = BTreeMap<Flag, FlagProjection>;

/// What a licence allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowances {
    pub(crate) limits: LimitValues,
    /// The limits that warn instead of refusing.
    pub(crate) soft: Vec<Metric>,
    pub(crate) seats: i32,
}

/// What holds from a later time on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UpcomingPeriod {
    pub(crate) from: DateTime<Utc>,
    pub(crate) features: Features,
    pub(crate) allowances: Allowances,
}

/// The projection of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Projection {
    pub(crate) features: Features,
    /// `None` keeps the stored values of a tenant that was never licensed.
    pub(crate) allowances: Option<Allowances>,
    pub(crate) upcoming: Vec<UpcomingPeriod>,
}

/// Projects licences and flags at `now`. `plan` applies to a tenant that was never licensed.
pub(crate) fn project(
    tenant: TenantId,
    plan: LicenseType,
    licenses: &[License],
    states: &[FlagState],
    now: DateTime<Utc>,
) -> Projection {
    let features = |at| flags::project(states, tenant, licensed_features(licenses, plan, at));
    Projection {
        features: features(now),
        allowances: allowances(licenses, now),
        upcoming: license::boundaries(licenses, now)
            .into_iter()
            .map(|from| UpcomingPeriod {
                from,
                features: features(from),
                allowances: allowances(licenses, from).unwrap_or_default(),
            })
            .collect(),
    }
}

/// The contexts that are licensed at `at`.
pub(crate) fn licensed_features(
    licenses: &[License],
    plan: LicenseType,
    at: DateTime<Utc>,
) -> LicensedFeatures<'_> {
    match license::license_status(licenses, at) {
        LicenseStatus::InForce(license) => license.terms.licensed_features(),
        LicenseStatus::Unlicensed => LicensedFeatures {
            plan,
            features: None,
        },
        LicenseStatus::Expired => LicensedFeatures {
            plan,
            features: Some(&[]),
        },
    }
}

fn allowances(licenses: &[License], at: DateTime<Utc>) -> Option<Allowances> {
    match license::license_status(licenses, at) {
        LicenseStatus::Unlicensed => None,
        LicenseStatus::InForce(license) => {
            let LicenseTerms {
                limits,
                soft,
                seats,
                ..
            } = license.terms.clone();
            Some(Allowances {
                limits,
                soft,
                seats,
            })
        }
        LicenseStatus::Expired => Some(expired_allowances()),
    }
}

/// After a licence has expired, nothing more is stored or generated. API requests stay possible, so that people can read,
/// export and renew.
fn expired_allowances() -> Allowances {
    let limits = Metric::all()
        .filter(|metric| !metric.declaration().usable_after_expiry)
        .map(|metric| (metric.limit_name().to_owned(), LimitValue::Number(0)));
    Allowances {
        limits: limits.collect(),
        soft: Vec::new(),
        seats: 0,
    }
}

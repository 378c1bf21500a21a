//! Feature flags of a tenant, and the features of the caller.

use access::{Anyone, Caller, targeting::Condition};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ids::TenantId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Fetched, PathIds,
    problem::{self, Result},
    reply::Versioned,
};

use super::tenant_scope;
use crate::{
    App,
    domain::{
        flags::{self, Flag, FlagState},
        license::License,
        projection,
    },
    permissions::FeatureRead,
    store::{
        flags as stored_flags, licenses,
        tenants::{self, TenantRow},
    },
};

/// The state of a feature flag for a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "flag": "ai", "enabled": true, "rollout": 100, "expires_at": null, "user_rollout": 20,
    "conditions": [{"attribute": "role", "operator": "in", "values": ["manager", "expert"]}], "licensed": true, "on": true
}))]
pub(crate) struct Feature {
    /// The flag.
    pub(crate) flag: Flag,
    /// Whether the flag is switched on.
    pub(crate) enabled: bool,
    /// The percentage of tenants for which an enabled flag is on. The same tenants stay selected.
    pub(crate) rollout: i16,
    /// When the flag switches itself off.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// The percentage of the tenant's users for whom the flag is on. The same users stay selected.
    pub(crate) user_rollout: i16,
    /// Conditions that must all be met.
    pub(crate) conditions: Vec<Condition>,
    /// Whether the current licence includes the feature. Features outside the licence are off.
    pub(crate) licensed: bool,
    /// Whether the feature is currently on for at least some users of the tenant.
    pub(crate) on: bool,
}

/// The feature flags of a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Features {
    /// All flags.
    pub(crate) items: Vec<Feature>,
    /// The version of the tenant, incremented with every change of flags, settings or master data.
    pub(crate) version: i32,
}

impl Versioned for Features {
    fn version(&self) -> i32 {
        self.version
    }
}

impl Features {
    pub(super) fn of(
        row: &TenantRow,
        states: &[FlagState],
        licenses: &[License],
        now: DateTime<Utc>,
    ) -> Self {
        let by_license = projection::licensed_features(licenses, row.license_type, now);
        Self {
            items: states
                .iter()
                .map(|state| Feature {
                    flag: state.flag,
                    enabled: state.enabled,
                    rollout: state.rollout,
                    expires_at: state.expires_at,
                    user_rollout: state.user_rollout,
                    conditions: state.conditions.clone(),
                    licensed: by_license.contains(state.flag),
                    on: state.is_on(row.id, by_license, now),
                })
                .collect(),
            version: row.version,
        }
    }
}

/// Whether a feature is on for the caller.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"flag": "support", "enabled": true}))]
pub(crate) struct OwnFeature {
    /// The flag.
    pub(crate) flag: Flag,
    /// Whether the feature is on.
    pub(crate) enabled: bool,
}

/// The features of the caller.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OwnFeatures {
    /// All flags.
    pub(crate) items: Vec<OwnFeature>,
}

/// List the caller's features
///
/// Returns whether each feature is on for the caller, based on the licence, the flags of the tenant and their
/// targeting. Available to everyone who is signed in.
#[utoipa::path(get, path = "/features", responses((status = 200, description = "All flags, each on or off.", body = OwnFeatures)))]
pub(crate) async fn list_features(caller: Caller<Anyone>) -> Json<OwnFeatures> {
    let items = Flag::all()
        .map(|flag| OwnFeature {
            flag,
            enabled: caller.has(flag.as_str()),
        })
        .collect();
    Json(OwnFeatures { items })
}

/// Get the feature flags of a tenant
///
/// Returns all flags with rollout, conditions and expiry. Admins can read the flags of their own tenant, platform staff
/// of any tenant.
#[utoipa::path(get, path = "/tenants/{id}/features", responses((status = 200, description = "All flags.", body = Features)))]
pub(crate) async fn get_features(
    State(app): State<App>,
    caller: Caller<FeatureRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Fetched<Features>> {
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let row = tenants::find_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let states = flags::with_defaults(&stored_flags::list_flags(&mut unit).await?);
    let present = licenses::list_licenses(&mut unit).await?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "features").await?;
    let now = unit.now();
    unit.commit().await?;
    Ok(Fetched(Features::of(&row, &states, &present, now)))
}

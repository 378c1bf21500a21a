//! Feature flags: which contexts a tenant has switched on.

use access::{Anyone, Caller, audience::Condition};
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

use super::visit;
use crate::{
    App,
    domain::{
        flags::{self, Flag, FlagState},
        license::License,
        mirror,
    },
    permissions::FeatureRead,
    store::{
        flags as stored_flags, licenses,
        tenants::{self, TenantRow},
    },
};

/// How a flag stands in a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "flag": "ai", "enabled": true, "rollout": 100, "expires_at": null, "user_rollout": 20,
    "conditions": [{"attribute": "role", "operator": "in", "values": ["manager", "expert"]}], "licensed": true, "on": true
}))]
pub struct Feature {
    /// Which.
    pub flag: Flag,
    /// Whether it is switched on.
    pub enabled: bool,
    /// For how many of a hundred tenants that have it switched on it counts; who is among them never changes.
    pub rollout: i16,
    /// When it switches itself off.
    pub expires_at: Option<DateTime<Utc>>,
    /// For how many of a hundred people of the tenant it counts; who is among them never changes.
    pub user_rollout: i16,
    /// What must hold besides, all of it.
    pub conditions: Vec<Condition>,
    /// Whether the licence in force contains it; what it does not contain is off.
    pub licensed: bool,
    /// What comes of it now for this tenant: on for somebody.
    pub on: bool,
}

/// The flags of a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Features {
    /// Every flag that there is.
    pub items: Vec<Feature>,
    /// The version of the tenant: it grows with every change of flags, settings or master data.
    pub version: i32,
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
        let by_license = mirror::licensed(licenses, row.license_type, now);
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
pub struct OwnFeature {
    /// Which.
    pub flag: Flag,
    /// Whether it is on.
    pub enabled: bool,
}

/// What is on for the caller.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnFeatures {
    /// Every flag that there is.
    pub items: Vec<OwnFeature>,
}

/// What is on for the caller, whoever is signed in: by the licence, the flags of the tenant, and for whom each counts.
#[utoipa::path(get, path = "/features", responses((status = 200, description = "Every flag, on or off.", body = OwnFeatures)))]
pub async fn list_features(caller: Caller<Anyone>) -> Json<OwnFeatures> {
    let items = Flag::ALL
        .iter()
        .map(|flag| OwnFeature {
            flag: *flag,
            enabled: caller.has(flag.as_str()),
        })
        .collect();
    Json(OwnFeatures { items })
}

/// Reads a tenant's flags with their roll-out and end: admins their own, staff any.
#[utoipa::path(get, path = "/tenants/{id}/features", responses((status = 200, description = "Every flag.", body = Features)))]
pub async fn get_features(
    State(app): State<App>,
    caller: Caller<FeatureRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Fetched<Features>> {
    let now = app.gate.clock().now();
    let mut tx = visit::begin(&app, &caller, id).await?;
    let row = tenants::find(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let states = flags::complete(&stored_flags::list(&mut tx).await?);
    let present = licenses::list(&mut tx).await?;
    visit::note_reading(&mut tx, &caller, id, "features", now).await?;
    tx.commit().await?;
    Ok(Fetched(Features::of(&row, &states, &present, now)))
}

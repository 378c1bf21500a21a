//! Updates the feature flags of a tenant.

use std::collections::BTreeMap;

use access::{Caller, audit, targeting::Condition};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::TenantId;
use serde_json::{Value, json};
use web::{
    Fetched, IfMatch, PathIds, Problem, ValidJson,
    body::{BoundedVec, Change, Int},
    problem::{self, FieldCode, FieldError, Result},
};

use super::{
    features::Features, settings::UNKNOWN_ROLE, targeting_rule::FlagCondition, tenant_scope,
};
use crate::{
    App,
    domain::{
        flags::{self, Flag, FlagState},
        projection,
    },
    error,
    events::FeatureChanged,
    licensing,
    permissions::FeatureUpdate,
    store::{flags as stored_flags, licenses, roles, tenants},
};

web::body! {
    /// The flags to change. Flags that are not included stay unchanged.
    pub struct UpdateFeatures {
        /// The flags, each at most once.
        pub items: BoundedVec<UpdateFeature, 50>,
    }
    example { "items": [{ "flag": "projects", "enabled": true, "rollout": 100, "expires_at": null }] }
}

web::body! {
    /// The new state of a flag.
    pub struct UpdateFeature {
        /// The flag.
        pub flag: Flag,
        /// Whether the flag is switched on.
        pub enabled: bool,
        /// The percentage of tenants for which an enabled flag is on. Unchanged if not included.
        pub rollout: Change<Int<0, 100>>,
        /// When the flag switches itself off. Must be in the future; `null` means never. Unchanged if not included.
        pub expires_at: Change<Option<DateTime<Utc>>>,
        /// The percentage of the tenant's users for whom the flag is on. Unchanged if not included.
        pub user_rollout: Change<Int<0, 100>>,
        /// Conditions that must all be met. Unchanged if not included.
        pub conditions: Change<BoundedVec<FlagCondition, 10>>,
    }
}

/// Update the feature flags of a tenant
///
/// Switches features on and off, and sets their rollout, expiry and conditions. Changes take effect for all users of
/// the tenant immediately. Platform staff only.
#[utoipa::path(put, path = "/tenants/{id}/features", responses((status = 200, description = "All flags after the change.", body = Features)))]
pub(crate) async fn update_features(
    State(app): State<App>,
    caller: Caller<FeatureUpdate>,
    PathIds(id): PathIds<TenantId>,
    if_match: IfMatch,
    ValidJson { value: body, .. }: ValidJson<UpdateFeatures>,
) -> Result<Fetched<Features>> {
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let now = unit.now();
    let mut row = tenants::lock_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    check_roles(&mut unit, &body.items.0).await?;
    let before = flags::with_defaults(&stored_flags::list_flags(&mut unit).await?);
    let present = licenses::list_licenses(&mut unit).await?;
    let licensed = projection::licensed_features(&present, row.license_type, now);
    let after = apply(&before, body.items.0, now)?;
    let changed: Vec<(&FlagState, &FlagState)> = before
        .iter()
        .zip(&after)
        .filter(|(old, new)| old != new)
        .collect();
    if changed.is_empty() {
        unit.commit_unchanged().await?;
        return Ok(Fetched(Features::of(&row, &after, &present, now)));
    }
    let mut entry = audit::Entry::new("tenancy.feature.updated", "features", id);
    let mut switched = BTreeMap::new();
    for (old, new) in &changed {
        entry = entry.change(new.flag.as_str(), audit_value(old), audit_value(new));
        switched.insert(new.flag.to_string(), new.is_on(id, licensed, now));
    }
    let stored: Vec<FlagState> = changed.iter().map(|(_, new)| (*new).clone()).collect();
    row.version += 1;
    row.updated_at = now;
    stored_flags::upsert_flags(&mut unit, &stored).await?;
    licensing::update_projection(&mut unit, &mut row).await?;
    tenants::update_tenant(&mut unit, &row).await?;
    let event = FeatureChanged {
        tenant_id: id,
        changed: switched,
    };
    unit.publish(row.version, event).await?;
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_tenant(id).await;
    Ok(Fetched(Features::of(&row, &after, &present, now)))
}

/// Refuses conditions on roles that the tenant does not have: they would exclude everyone, or no one.
async fn check_roles(tx: &mut TenantTx, changes: &[UpdateFeature]) -> Result<()> {
    let mut named = Vec::new();
    for (item, change) in changes.iter().enumerate() {
        let conditions = change.conditions.as_set().into_iter();
        for (place, condition) in conditions.flat_map(|list| &list.0).enumerate() {
            for (index, role) in condition.roles().iter().enumerate() {
                let pointer = format!("/items/{item}/conditions/{place}/values/{index}");
                named.push((pointer, role.clone()));
            }
        }
    }
    let roles: Vec<String> = named.iter().map(|(_, role)| role.clone()).collect();
    let known = roles::list_existing_roles(tx, &roles).await?;
    // Keys and platform staff have these in every tenant.
    let exists =
        |role: &String| matches!(role.as_str(), "api_key" | "superadmin") || known.contains(role);
    let unknown = named.into_iter().filter(|(_, role)| !exists(role));
    error::reject_invalid(unknown.map(|(pointer, _)| FieldError {
        pointer,
        code: UNKNOWN_ROLE,
    }))
}

/// The states after the change, in the order of the flags.
fn apply(
    before: &[FlagState],
    changes: Vec<UpdateFeature>,
    now: DateTime<Utc>,
) -> Result<Vec<FlagState>> {
    let mut after = before.to_vec();
    let mut seen = Vec::new();
    let mut errors = Vec::new();
    for (index, change) in changes.into_iter().enumerate() {
        if seen.contains(&change.flag) {
            errors.push(FieldError {
                pointer: format!("/items/{index}/flag"),
                code: FieldCode::Duplicate,
            });
            continue;
        }
        seen.push(change.flag);
        let Some(state) = after.iter_mut().find(|state| state.flag == change.flag) else {
            continue;
        };
        state.enabled = change.enabled;
        if let Some(rollout) = change.rollout.set() {
            state.rollout = i16::try_from(rollout.get()).unwrap_or(100);
        }
        // A client may send back an expiry that has passed meanwhile.
        match change.expires_at {
            Change::Set(Some(end)) if state.expires_at != Some(end) && end <= now => {
                errors.push(FieldError {
                    pointer: format!("/items/{index}/expires_at"),
                    code: error::in_the_past(),
                });
            }
            Change::Set(end) => state.expires_at = end,
            Change::Keep => {}
        }
        if let Some(share) = change.user_rollout.set() {
            state.user_rollout = i16::try_from(share.get()).unwrap_or(100);
        }
        if let Some(BoundedVec(conditions)) = change.conditions.set() {
            state.conditions = conditions.into_iter().map(Condition::from).collect();
        }
    }
    if errors.is_empty() {
        Ok(after)
    } else {
        Err(Problem::invalid(errors))
    }
}

fn audit_value(state: &FlagState) -> Value {
    json!({
        "enabled": state.enabled, "rollout": state.rollout, "expires_at": state.expires_at,
        "user_rollout": state.user_rollout, "conditions": state.conditions,
    })
}

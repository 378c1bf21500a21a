//! Switching features of a tenant on and off.

use access::{Caller, audience::Condition, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use events::Announcement;
use ids::TenantId;
use serde_json::{Map, Value, json};
use web::{
    Fetched, IfMatch, PathIds, Problem, Texts, ValidJson,
    body::{Change, Int, Items},
    problem::{self, FieldCode, FieldError, Result},
};

use super::{features::Features, licensing, visit};
use crate::{
    App,
    domain::{
        condition::FlagCondition,
        flags::{self, Flag, FlagState},
        mirror,
    },
    events::FEATURE_CHANGED,
    permissions::FeatureUpdate,
    store::{flags as stored_flags, licenses, tenants},
};

web::body! {
    /// Flags to change; those that are not named stay.
    pub struct UpdateFeatures {
        /// The flags, each at most once.
        pub items: Items<UpdateFeature, 50>,
    }
    example { "items": [{ "flag": "projects", "enabled": true, "rollout": 100, "expires_at": null }] }
}

web::body! {
    /// How one flag is to stand.
    pub struct UpdateFeature {
        /// Which.
        pub flag: Flag,
        /// Whether it is switched on.
        pub enabled: bool,
        /// For how many of a hundred tenants it counts; stays unless named.
        pub rollout: Change<Int<0, 100>>,
        /// When it switches itself off, in the future; `null` for never; stays unless named.
        pub expires_at: Change<Option<DateTime<Utc>>>,
        /// For how many of a hundred people of the tenant it counts; stays unless named.
        pub user_rollout: Change<Int<0, 100>>,
        /// What must hold besides, all of it; stays unless named.
        pub conditions: Change<Items<FlagCondition, 10>>,
    }
}

/// Switches features of a tenant on and off. Only the platform's staff may.
#[utoipa::path(put, path = "/tenants/{id}/features", responses((status = 200, description = "Every flag as it stands now.", body = Features)))]
pub async fn update_features(
    State(app): State<App>,
    caller: Caller<FeatureUpdate>,
    PathIds(id): PathIds<TenantId>,
    if_match: IfMatch,
    ValidJson { value: body, .. }: ValidJson<UpdateFeatures>,
) -> Result<Fetched<Features>> {
    let now = app.gate.clock().now();
    let mut tx = visit::begin(&app, &caller, id).await?;
    let mut row = tenants::lock(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let before = flags::complete(&stored_flags::list(&mut tx).await?);
    let present = licenses::list(&mut tx).await?;
    let licensed = mirror::licensed(&present, row.license_type, now);
    let after = apply(&before, body.items.0, now)?;
    let changed: Vec<(&FlagState, &FlagState)> = before
        .iter()
        .zip(&after)
        .filter(|(old, new)| old != new)
        .collect();
    if changed.is_empty() {
        tx.commit().await?;
        return Ok(Fetched(Features::of(&row, &after, &present, now)));
    }
    let mut entry = audit::Entry::new("tenancy.feature.updated", "features", id);
    let mut news = Map::new();
    for (old, new) in &changed {
        entry = entry.change(new.flag.as_str(), described(old), described(new));
        news.insert(new.flag.to_string(), new.is_on(id, licensed, now).into());
    }
    let stored: Vec<FlagState> = changed.iter().map(|(_, new)| (*new).clone()).collect();
    row.version += 1;
    row.updated_at = now;
    stored_flags::set(&mut tx, &stored, now).await?;
    licensing::mirror(&mut tx, &mut row, now).await?;
    tenants::update(&mut tx, &row).await?;
    let announcement = Announcement {
        kind: &FEATURE_CHANGED,
        subject: format!("tenant/{id}"),
        version: row.version.into(),
        data: json!({"tenant_id": id, "changed": news}),
        sealed: None,
    };
    events::announce(&mut tx, caller.request(), now, announcement).await?;
    audit::record(
        &mut tx,
        caller.request(),
        now,
        caller.reason.as_deref(),
        entry,
    )
    .await?;
    tx.commit().await?;
    app.gate.forget_tenant(id).await;
    Ok(Fetched(Features::of(&row, &after, &present, now)))
}

/// The states after the change, in the order of the flags.
fn apply(
    before: &[FlagState],
    changes: Vec<UpdateFeature>,
    now: DateTime<Utc>,
) -> Result<Vec<FlagState>> {
    let mut after = before.to_vec();
    let mut named = Vec::new();
    let mut errors = Vec::new();
    for (index, change) in changes.into_iter().enumerate() {
        if named.contains(&change.flag) {
            errors.push(FieldError {
                pointer: format!("/items/{index}/flag"),
                code: FieldCode::Duplicate,
            });
            continue;
        }
        named.push(change.flag);
        let Some(state) = after.iter_mut().find(|state| state.flag == change.flag) else {
            continue;
        };
        state.enabled = change.enabled;
        if let Some(rollout) = change.rollout.set() {
            state.rollout = i16::try_from(rollout.get()).unwrap_or(100);
        }
        // An end that was there before may have passed: whoever sends back what they read is not wrong.
        match change.expires_at {
            Change::Set(Some(end)) if state.expires_at != Some(end) && end <= now => {
                errors.push(FieldError {
                    pointer: format!("/items/{index}/expires_at"),
                    code: past(),
                });
            }
            Change::Set(end) => state.expires_at = end,
            Change::Keep => {}
        }
        if let Some(share) = change.user_rollout.set() {
            state.user_rollout = i16::try_from(share.get()).unwrap_or(100);
        }
        if let Some(Items(conditions)) = change.conditions.set() {
            state.conditions = conditions.into_iter().map(Condition::from).collect();
        }
    }
    if errors.is_empty() {
        Ok(after)
    } else {
        Err(Problem::invalid(errors))
    }
}

/// For an end that lies in the past.
pub(super) fn past() -> FieldCode {
    FieldCode::Rule(
        "in_the_past",
        Texts {
            de: "muss in der Zukunft liegen",
            en: "must be in the future",
        },
    )
}

fn described(state: &FlagState) -> Value {
    json!({
        "enabled": state.enabled, "rollout": state.rollout, "expires_at": state.expires_at,
        "user_rollout": state.user_rollout, "conditions": state.conditions,
    })
}

//! The settings of a tenant.

use access::{Caller, audit, mask};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::TenantId;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{
    Fetched, IfMatch, PathIds, Problem, Texts, ValidJson,
    problem::{self, FieldCode, FieldError, Result},
    reply::Versioned,
};

use super::{update_tenant::announce_update, visit};
use crate::{
    App,
    domain::settings::{LOCALE, MFA_REQUIRED_ROLES, Overrides, Settings, UpdateSettings},
    permissions::{SettingsRead, SettingsUpdate},
    store::{
        directory, platform_settings, roles, settings,
        tenants::{self, TenantRow},
    },
};

/// The settings of a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "settings": {
        "registration": "invite", "ticket_categories": ["account", "billing", "bug", "question", "request", "other"], "locale": "de",
        "branding": {"name": "Muster", "colour": "#1a7f5a", "logo_url": null},
        "mail_sender": {"name": null, "address": null}, "retention_days": {"audit": 1095, "tickets": 1095},
        "session": {"idle_days": 30, "absolute_days": 90}, "password_policy": {"min_length": 10}, "magic_link": true, "mfa_required_roles": [],
        "impersonation_by_admins": false, "sign_in": {"providers": ["google"]},
        "sla": {
            "first_response_hours": {"urgent": 2, "high": 8, "medium": 24, "low": 72},
            "resolution_hours": {"urgent": 24, "high": 72, "medium": 168, "low": 336}
        }
    },
    "overridden": ["branding", "registration"], "updated_at": "2026-11-20T10:00:00Z", "version": 2
}))]
pub struct SettingsInForce {
    /// All settings, what was not chosen filled in.
    pub settings: Settings,
    /// The keys that were set on this level; all others are inherited.
    pub overridden: Vec<String>,
    /// When the tenant was last changed.
    pub updated_at: DateTime<Utc>,
    /// The version of the tenant: it grows with every change of settings, flags or master data.
    pub version: i32,
}

impl Versioned for SettingsInForce {
    fn version(&self) -> i32 {
        self.version
    }
}

impl SettingsInForce {
    /// The settings of a tenant over those of the platform.
    pub(super) fn of(
        row: &TenantRow,
        overrides: &Overrides,
        platform: &Map<String, Value>,
    ) -> Result<Self> {
        Ok(Self {
            settings: overrides.in_force(platform).map_err(Problem::internal)?,
            overridden: overrides.keys(),
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

/// Reads a tenant's settings, what it has not chosen filled in from the platform: admins their own, staff any.
#[utoipa::path(get, path = "/tenants/{id}/settings", responses((status = 200, description = "All settings.", body = SettingsInForce)))]
pub async fn get_settings(
    State(app): State<App>,
    caller: Caller<SettingsRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Fetched<SettingsInForce>> {
    let mut tx = visit::begin(&app, &caller, id).await?;
    let row = tenants::find(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let overrides = Overrides::of(settings::list(&mut tx).await?, &row.locale);
    let platform = platform_settings::list(&mut tx).await?;
    visit::note_reading(&mut tx, &caller, id, "settings", app.gate.clock().now()).await?;
    tx.commit().await?;
    Ok(Fetched(SettingsInForce::of(&row, &overrides, &platform)?))
}

/// Changes a tenant's settings: what is not named stays, `null` goes back to the default. Everything wrong is named at once.
#[utoipa::path(method(put, patch), path = "/tenants/{id}/settings", responses((status = 200, description = "All settings as they are now.", body = SettingsInForce)))]
pub async fn update_settings(
    State(app): State<App>,
    caller: Caller<SettingsUpdate>,
    PathIds(id): PathIds<TenantId>,
    if_match: IfMatch,
    ValidJson { value: change, .. }: ValidJson<UpdateSettings>,
) -> Result<Fetched<SettingsInForce>> {
    let now = app.gate.clock().now();
    let mut tx = visit::begin(&app, &caller, id).await?;
    let mut row = tenants::lock(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let before = Overrides::of(settings::list(&mut tx).await?, &row.locale);
    let platform = platform_settings::list(&mut tx).await?;
    let mut after = before.clone();
    after.apply(change);
    let changed = after.differing(&before);
    if changed.is_empty() {
        tx.commit().await?;
        return Ok(Fetched(SettingsInForce::of(&row, &after, &platform)?));
    }
    let in_force = after.in_force(&platform).map_err(Problem::internal)?;
    in_force.check()?;
    if changed.iter().any(|key| key == MFA_REQUIRED_ROLES) {
        check_roles(&mut tx, &in_force.mfa_required_roles).await?;
    }
    store_changes(&mut tx, &after, &changed, now).await?;
    row.locale.clone_from(&in_force.locale);
    row.version += 1;
    row.updated_at = now;
    tenants::update(&mut tx, &row).await?;
    directory::set_settings(&mut tx, &row, in_force.mirror()).await?;
    let fields: Vec<String> = changed
        .iter()
        .map(|key| format!("settings.{key}"))
        .collect();
    announce_update(&mut tx, &caller, &row, &fields).await?;
    let old = before
        .in_force(&platform)
        .map_err(Problem::internal)?
        .mirror();
    let entry = changed.iter().fold(
        audit::Entry::new("tenancy.settings.updated", "settings", id),
        |entry, key| entry.change(key, value(&old, key), value(&in_force.mirror(), key)),
    );
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
    Ok(Fetched(SettingsInForce::of(&row, &after, &platform)?))
}

/// The value of a setting for the log, which knows mail addresses only masked.
pub(super) fn value(settings: &Value, key: &str) -> Value {
    let mut value = settings.get(key).cloned().unwrap_or_default();
    if let Some(Value::String(address)) = value.get_mut("address") {
        *address = mask::email(address);
    }
    value
}

/// The locale is a column of the tenant, everything else a row.
async fn store_changes(
    tx: &mut TenantTx,
    after: &Overrides,
    changed: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    let (keys, values, gone) = split(after, changed);
    if !keys.is_empty() {
        settings::set(tx, &keys, &values, now).await?;
    }
    if !gone.is_empty() {
        settings::reset(tx, &gone).await?;
    }
    Ok(())
}

/// Keys that are set with their values, and keys that are set no longer.
pub(super) fn split(
    after: &Overrides,
    changed: &[String],
) -> (Vec<String>, Vec<Value>, Vec<String>) {
    let (mut keys, mut values, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for key in changed.iter().filter(|key| *key != LOCALE) {
        match after.get(key) {
            Some(value) => {
                keys.push(key.clone());
                values.push(value.clone());
            }
            None => gone.push(key.clone()),
        }
    }
    (keys, values, gone)
}

async fn check_roles(tx: &mut TenantTx, names: &[String]) -> Result<()> {
    let known = roles::existing(tx, names).await?;
    let unknown: Vec<FieldError> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| !known.contains(name))
        .map(|(index, _)| FieldError {
            pointer: format!("/{MFA_REQUIRED_ROLES}/{index}"),
            code: FieldCode::Rule(
                "unknown_role",
                Texts {
                    de: "diese Rolle gibt es nicht",
                    en: "there is no such role",
                },
            ),
        })
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(unknown))
    }
}

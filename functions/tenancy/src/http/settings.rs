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
    Fetched, IfMatch, Localized, PathIds, Problem, ValidJson,
    problem::{self, FieldCode, FieldError, Result},
    reply::Versioned,
};

use super::{
    settings_update::UpdateSettings, settings_view::Settings, tenant_scope,
    update_tenant::announce_update,
};
use crate::{
    App,
    domain::settings::{LOCALE, MFA_REQUIRED_ROLES},
    error,
    permissions::{SettingsRead, SettingsUpdate},
    store::{
        directory, platform_settings, roles, settings,
        settings_overrides::{Overrides, settings_json},
        tenants::{self, TenantRow},
    },
};

/// Settings in force.
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
pub(crate) struct SettingsInForce {
    /// All settings, with inherited values filled in.
    pub(crate) settings: Settings,
    /// The keys that are set on this level. All others are inherited.
    pub(crate) overridden: Vec<String>,
    /// When the tenant was last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// The version of the tenant, incremented with every change of settings, flags or master data.
    pub(crate) version: i32,
}

impl Versioned for SettingsInForce {
    fn version(&self) -> i32 {
        self.version
    }
}

impl SettingsInForce {
    /// Combines the settings of a tenant with those of the platform.
    pub(super) fn of(
        row: &TenantRow,
        overrides: &Overrides,
        platform: &Map<String, Value>,
    ) -> Result<Self> {
        Ok(Self {
            settings: overrides
                .in_force(platform)
                .map_err(Problem::internal)?
                .into(),
            overridden: overrides.keys(),
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

/// Get the settings of a tenant
///
/// Returns all settings. Values that the tenant has not set are inherited from the platform. Admins can read the
/// settings of their own tenant, platform staff of any tenant.
#[utoipa::path(get, path = "/tenants/{id}/settings", responses((status = 200, description = "All settings.", body = SettingsInForce)))]
pub(crate) async fn get_settings(
    State(app): State<App>,
    caller: Caller<SettingsRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Fetched<SettingsInForce>> {
    let mut tx = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let row = tenants::find_tenant(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let overrides = Overrides::of(settings::list_settings(&mut tx).await?, &row.locale);
    let platform = platform_settings::list_platform_settings(&mut tx).await?;
    tenant_scope::audit_staff_read(&mut tx, &caller, id, "settings", app.state.clock().now())
        .await?;
    tx.commit().await?;
    Ok(Fetched(SettingsInForce::of(&row, &overrides, &platform)?))
}

/// Update the settings of a tenant
///
/// Fields that are not included stay unchanged; `null` restores the inherited value. If several values are invalid, all
/// errors are returned and nothing is changed.
#[utoipa::path(method(put, patch), path = "/tenants/{id}/settings", responses((status = 200, description = "The updated settings.", body = SettingsInForce)))]
pub(crate) async fn update_settings(
    State(app): State<App>,
    caller: Caller<SettingsUpdate>,
    PathIds(id): PathIds<TenantId>,
    if_match: IfMatch,
    ValidJson { value: change, .. }: ValidJson<UpdateSettings>,
) -> Result<Fetched<SettingsInForce>> {
    let now = app.state.clock().now();
    let mut tx = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let mut row = tenants::lock_tenant(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let before = Overrides::of(settings::list_settings(&mut tx).await?, &row.locale);
    let platform = platform_settings::list_platform_settings(&mut tx).await?;
    let mut after = before.clone();
    after.apply(change.into_patch());
    let changed = after.changed_keys(&before);
    if changed.is_empty() {
        tx.commit().await?;
        return Ok(Fetched(SettingsInForce::of(&row, &after, &platform)?));
    }
    let in_force = after.in_force(&platform).map_err(Problem::internal)?;
    in_force.check().map_err(error::settings_conflict)?;
    if changed.iter().any(|key| key == MFA_REQUIRED_ROLES) {
        check_roles(&mut tx, &in_force.mfa_required_roles).await?;
    }
    store_changes(&mut tx, &after, &changed, now).await?;
    row.locale.clone_from(&in_force.locale);
    row.version += 1;
    row.updated_at = now;
    tenants::update_tenant(&mut tx, &row).await?;
    directory::update_settings(&mut tx, &row, settings_json(&in_force)).await?;
    let fields: Vec<String> = changed
        .iter()
        .map(|key| format!("settings.{key}"))
        .collect();
    announce_update(&mut tx, &caller, &row, &fields).await?;
    let old = settings_json(&before.in_force(&platform).map_err(Problem::internal)?);
    let new = settings_json(&in_force);
    let entry = changed.iter().fold(
        audit::Entry::new("tenancy.settings.updated", "settings", id),
        |entry, key| entry.change(key, value(&old, key), value(&new, key)),
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
    app.state.authenticator().invalidate_tenant(id).await;
    Ok(Fetched(SettingsInForce::of(&row, &after, &platform)?))
}

/// The value of a setting for the audit log, with email addresses masked.
pub(super) fn value(settings: &Value, key: &str) -> Value {
    let mut value = settings.get(key).cloned().unwrap_or_default();
    if let Some(Value::String(address)) = value.get_mut("address") {
        *address = mask::email(address);
    }
    value
}

/// Stores the changed keys. The locale is a column of the tenant.
async fn store_changes(
    tx: &mut TenantTx,
    after: &Overrides,
    changed: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    let (keys, values, gone) = split(after, changed);
    if !keys.is_empty() {
        settings::upsert_settings(tx, &keys, &values, now).await?;
    }
    if !gone.is_empty() {
        settings::delete_settings(tx, &gone).await?;
    }
    Ok(())
}

/// Splits changed keys into those to set, with their values, and those to delete.
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
    let known = roles::list_existing_roles(tx, names).await?;
    let unknown: Vec<FieldError> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| !known.contains(name))
        .map(|(index, _)| FieldError {
            pointer: format!("/{MFA_REQUIRED_ROLES}/{index}"),
            code: FieldCode::Rule(
                "unknown_role",
                Localized {
                    de: "diese Rolle existiert nicht",
                    en: "unknown role",
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

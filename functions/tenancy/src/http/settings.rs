//! The settings of a tenant.

use access::{Caller, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::TenantId;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{
    Fetched, IfMatch, Localized, PathIds, ValidJson,
    problem::{self, FieldCode, FieldError, Result},
    reply::Versioned,
};

use super::{
    settings_update::UpdateSettings,
    settings_view::{self, SettingsView},
    tenant_scope,
};
use crate::{
    App,
    declarations::LOCALE,
    domain::settings::{key, pointer, role_lists},
    error,
    events::TenantUpdated,
    permissions::{SettingsRead, SettingsUpdate},
    store::{
        directory, platform_settings, roles, settings,
        settings_overrides::{Overrides, Settings},
        tenants::{self, TenantRow},
    },
};

/// Settings in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = example)]
pub(crate) struct SettingsInForce {
    /// All settings, with inherited values filled in.
    pub(crate) settings: SettingsView,
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

fn example() -> Value {
    json!({
        "settings": settings_view::defaults().into_json(), "overridden": [],
        "updated_at": "2026-11-20T10:00:00Z", "version": 1
    })
}

impl SettingsInForce {
    pub(super) fn of(row: &TenantRow, overrides: &Overrides, settings: Settings) -> Self {
        Self {
            settings: SettingsView(settings),
            overridden: overrides.keys(),
            updated_at: row.updated_at,
            version: row.version,
        }
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
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let row = tenants::find_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let overrides = Overrides::of(settings::list_settings(&mut unit).await?, &row.locale);
    let platform = platform_settings::list_platform_settings(&mut unit).await?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "settings").await?;
    unit.commit().await?;
    let in_force = overrides.in_force(&platform);
    Ok(Fetched(SettingsInForce::of(&row, &overrides, in_force)))
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
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let mut row = tenants::lock_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let before = Overrides::of(settings::list_settings(&mut unit).await?, &row.locale);
    let platform = platform_settings::list_platform_settings(&mut unit).await?;
    let mut after = before.clone();
    after.apply(change.into_patch());
    let changed = after.changed_keys(&before);
    let in_force = after.in_force(&platform);
    if changed.is_empty() {
        unit.commit_unchanged().await?;
        return Ok(Fetched(SettingsInForce::of(&row, &after, in_force)));
    }
    check_rules(&in_force)?;
    check_roles(&mut unit, &in_force, &changed).await?;
    store_changes(&mut unit, &after, &changed).await?;
    in_force.locale().clone_into(&mut row.locale);
    row.version += 1;
    row.updated_at = unit.now();
    tenants::update_tenant(&mut unit, &row).await?;
    directory::update_settings(&mut unit, &row, in_force.as_json().clone()).await?;
    let event = TenantUpdated {
        tenant_id: id,
        changed: changed
            .iter()
            .map(|key| format!("settings.{key}"))
            .collect(),
    };
    unit.publish(row.version, event).await?;
    let old = before.in_force(&platform);
    let entry = audit::Entry::new("tenancy.settings.updated", "settings", id);
    unit.audit(with_changes(entry, &changed, &old, &in_force))
        .await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_tenant(id).await;
    Ok(Fetched(SettingsInForce::of(&row, &after, in_force)))
}

/// Adds the old and new values of the changed keys.
pub(super) fn with_changes(
    entry: audit::Entry,
    changed: &[String],
    old: &Settings,
    new: &Settings,
) -> audit::Entry {
    changed.iter().fold(entry, |entry, key| {
        entry.change(key, old.audit_value(key), new.audit_value(key))
    })
}

/// Checks the rules between settings.
pub(super) fn check_rules(settings: &Settings) -> Result<()> {
    error::reject_invalid(settings.violations().into_iter().map(|rule| FieldError {
        pointer: pointer(rule.lower),
        code: FieldCode::Rule(rule.code, rule.text),
    }))
}

/// Stores the changed keys. The locale is a column of the tenant.
async fn store_changes(tx: &mut TenantTx, after: &Overrides, changed: &[String]) -> Result<()> {
    let (keys, values, gone) = split(after, changed);
    if !keys.is_empty() {
        settings::upsert_settings(tx, &keys, &values).await?;
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
    for key in changed.iter().filter(|key| *key != LOCALE.path()) {
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

/// A role that the tenant does not have.
pub(super) const UNKNOWN_ROLE: FieldCode = FieldCode::Rule(
    "unknown_role",
    Localized {
        de: "diese Rolle existiert nicht",
        en: "unknown role",
    },
);

/// Refuses roles in changed settings that the tenant does not have.
async fn check_roles(tx: &mut TenantTx, settings: &Settings, changed: &[String]) -> Result<()> {
    let mut wrong = Vec::new();
    for setting in role_lists() {
        if !changed.iter().any(|changed| changed == key(setting.path)) {
            continue;
        }
        let names = settings.list(setting.path);
        let known = roles::list_existing_roles(tx, &names).await?;
        wrong.extend(unknown_roles(setting.path, &names, &known, UNKNOWN_ROLE));
    }
    error::reject_invalid(wrong)
}

/// An error for each of the names under `path` that is not known.
pub(super) fn unknown_roles<K: AsRef<str>>(
    path: &str,
    names: &[String],
    known: &[K],
    code: FieldCode,
) -> Vec<FieldError> {
    let names = names.iter().enumerate();
    names
        .filter(|(_, name)| !known.iter().any(|known| known.as_ref() == *name))
        .map(|(index, _)| FieldError {
            pointer: format!("{}/{index}", pointer(path)),
            code: code.clone(),
        })
        .collect()
}

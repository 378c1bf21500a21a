//! Settings of the platform, which every tenant inherits.

use access::{Caller, Permission, REVALENZ, audit};
use axum::extract::State;
use db::TenantTx;
use serde_json::Map;
use web::{
    Fetched, IfMatch, Localized, Problem, ValidJson,
    problem::{self, FieldCode, FieldError, Result},
};

use super::{
    settings::{SettingsInForce, split, value},
    settings_update::UpdateSettings,
    tenant_scope,
};
use crate::{
    App,
    domain::settings::{DEFAULT_LOCALE, LOCALE, MFA_REQUIRED_ROLES},
    error,
    permissions::{PlatformRead, PlatformUpdate},
    store::{
        platform_settings,
        settings_overrides::{Overrides, settings_json},
        tenants,
    },
};

/// Roles that exist in every tenant.
const BUILT_IN_ROLES: [&str; 4] = ["admin", "manager", "expert", "customer"];

/// Get the platform settings
///
/// Returns the settings that tenants inherit unless they set their own. Platform staff only, signed in to the
/// platform's own organisation.
#[utoipa::path(get, path = "/platform-settings", responses((status = 200, description = "All settings. `overridden` lists the keys that differ from the built-in defaults, `version` is the version of the platform's own tenant.", body = SettingsInForce)))]
pub(crate) async fn get_platform_settings(
    State(app): State<App>,
    caller: Caller<PlatformRead>,
) -> Result<Fetched<SettingsInForce>> {
    let mut tx = begin(&app, &caller).await?;
    let row = tenants::find_tenant(&mut tx, REVALENZ)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let set = Overrides::of(
        platform_settings::list_platform_settings(&mut tx).await?,
        DEFAULT_LOCALE,
    );
    tx.commit().await?;
    Ok(Fetched(SettingsInForce::of(&row, &set, &Map::new())?))
}

/// Update the platform settings
///
/// Fields that are not included stay unchanged; `null` restores the built-in default. Tenants without a setting of
/// their own follow within minutes. `locale` cannot be set here, because every tenant chooses its own language.
#[utoipa::path(method(put, patch), path = "/platform-settings", responses((status = 200, description = "The updated settings.", body = SettingsInForce)))]
pub(crate) async fn update_platform_settings(
    State(app): State<App>,
    caller: Caller<PlatformUpdate>,
    if_match: IfMatch,
    ValidJson { value: change, .. }: ValidJson<UpdateSettings>,
) -> Result<Fetched<SettingsInForce>> {
    let now = app.state.clock().now();
    let mut tx = begin(&app, &caller).await?;
    let mut row = tenants::lock_tenant(&mut tx, REVALENZ)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let before = Overrides::of(
        platform_settings::list_platform_settings(&mut tx).await?,
        DEFAULT_LOCALE,
    );
    let mut after = before.clone();
    after.apply(change.into_patch());
    let nothing = Map::new();
    let changed = after.changed_keys(&before);
    if changed.is_empty() {
        tx.commit().await?;
        return Ok(Fetched(SettingsInForce::of(&row, &after, &nothing)?));
    }
    let in_force = after.in_force(&nothing).map_err(Problem::internal)?;
    check_inheritable(&after, &in_force.mfa_required_roles)?;
    in_force.check().map_err(error::settings_conflict)?;
    let (keys, values, gone) = split(&after, &changed);
    platform_settings::upsert_platform_settings(&mut tx, &keys, &values, now).await?;
    platform_settings::delete_platform_settings(&mut tx, &gone).await?;
    row.version += 1;
    row.updated_at = now;
    tenants::update_tenant(&mut tx, &row).await?;
    let old = settings_json(&before.in_force(&nothing).map_err(Problem::internal)?);
    let new = settings_json(&in_force);
    let entry = changed.iter().fold(
        audit::Entry::new(
            "tenancy.platform_settings.updated",
            "platform_settings",
            REVALENZ,
        ),
        |entry, key| entry.change(key, value(&old, key), value(&new, key)),
    );
    let reason = caller.reason.as_deref();
    audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    tx.commit().await?;
    Ok(Fetched(SettingsInForce::of(&row, &after, &nothing)?))
}

/// Staff members who have switched to another tenant cannot access the platform settings.
async fn begin<P: Permission>(app: &App, caller: &Caller<P>) -> Result<TenantTx> {
    if tenant_scope::is_staff(caller) {
        caller.begin(&app.db).await
    } else {
        Err(problem::NOT_FOUND.problem())
    }
}

fn check_inheritable(set: &Overrides, roles: &[String]) -> Result<()> {
    let rule = |code, de, en| FieldCode::Rule(code, Localized { de, en });
    let locale = set.get(LOCALE).map(|_| FieldError {
        pointer: format!("/{LOCALE}"),
        code: rule(
            "of_the_tenant",
            "jede Organisation wählt ihre Sprache selbst",
            "every organisation chooses its own language",
        ),
    });
    let unknown = roles
        .iter()
        .enumerate()
        .filter(|(_, role)| !BUILT_IN_ROLES.contains(&role.as_str()))
        .map(|(index, _)| FieldError {
            pointer: format!("/{MFA_REQUIRED_ROLES}/{index}"),
            code: rule(
                "unknown_role",
                "diese Rolle gibt es nicht in jeder Organisation",
                "this role does not exist in every organisation",
            ),
        });
    let wrong: Vec<FieldError> = locale.into_iter().chain(unknown).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(wrong))
    }
}

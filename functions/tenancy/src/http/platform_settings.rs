//! Settings of the platform, which every tenant inherits.

use access::{Caller, Permission, REVALENZ, audit};
use axum::extract::State;
use events::UnitOfWork;
use serde_json::Map;
use web::{
    Fetched, IfMatch, Localized, ValidJson,
    problem::{self, FieldCode, FieldError, Result},
};

use super::{
    settings::{SettingsInForce, check_rules, split, unknown_roles, with_changes},
    settings_update::UpdateSettings,
    tenant_scope,
};
use crate::{
    App,
    declarations::{DEFAULT_LOCALE, LOCALE},
    domain::settings::{pointer, role_lists},
    error,
    permissions::{PlatformRead, PlatformUpdate},
    store::{
        platform_settings,
        settings_overrides::{Overrides, Settings},
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
    let mut unit = begin(&app, &caller).await?;
    let row = tenants::find_tenant(&mut unit, REVALENZ)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let set = Overrides::of(
        platform_settings::list_platform_settings(&mut unit).await?,
        DEFAULT_LOCALE,
    );
    unit.commit().await?;
    let in_force = set.in_force(&Map::new());
    Ok(Fetched(SettingsInForce::of(&row, &set, in_force)))
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
    let mut unit = begin(&app, &caller).await?;
    let mut row = tenants::lock_tenant(&mut unit, REVALENZ)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let before = Overrides::of(
        platform_settings::list_platform_settings(&mut unit).await?,
        DEFAULT_LOCALE,
    );
    let mut after = before.clone();
    after.apply(change.into_patch());
    let changed = after.changed_keys(&before);
    let in_force = after.in_force(&Map::new());
    if changed.is_empty() {
        unit.commit_unchanged().await?;
        return Ok(Fetched(SettingsInForce::of(&row, &after, in_force)));
    }
    check_inheritable(&after, &in_force)?;
    check_rules(&in_force)?;
    let (keys, values, gone) = split(&after, &changed);
    platform_settings::upsert_platform_settings(&mut unit, &keys, &values).await?;
    platform_settings::delete_platform_settings(&mut unit, &gone).await?;
    row.version += 1;
    row.updated_at = unit.now();
    tenants::update_tenant(&mut unit, &row).await?;
    let old = before.in_force(&Map::new());
    let entry = audit::Entry::new(
        "tenancy.platform_settings.updated",
        "platform_settings",
        REVALENZ,
    );
    unit.audit(with_changes(entry, &changed, &old, &in_force))
        .await?;
    unit.commit().await?;
    Ok(Fetched(SettingsInForce::of(&row, &after, in_force)))
}

/// Staff members who have switched to another tenant cannot access the platform settings.
async fn begin<P: Permission>(app: &App, caller: &Caller<P>) -> Result<UnitOfWork> {
    if tenant_scope::is_staff(caller) {
        UnitOfWork::begin(app, caller).await
    } else {
        Err(problem::NOT_FOUND.problem())
    }
}

fn check_inheritable(set: &Overrides, settings: &Settings) -> Result<()> {
    let locale = set.get(LOCALE.path()).map(|_| FieldError {
        pointer: pointer(LOCALE.path()),
        code: FieldCode::Rule(
            "of_the_tenant",
            Localized {
                de: "jede Organisation wählt ihre Sprache selbst",
                en: "every organisation chooses its own language",
            },
        ),
    });
    let unknown_role = FieldCode::Rule(
        "unknown_role",
        Localized {
            de: "diese Rolle gibt es nicht in jeder Organisation",
            en: "this role does not exist in every organisation",
        },
    );
    let unknown = role_lists().flat_map(|setting| {
        let names = settings.list(setting.path);
        unknown_roles(setting.path, &names, &BUILT_IN_ROLES, unknown_role.clone())
    });
    error::reject_invalid(locale.into_iter().chain(unknown))
}

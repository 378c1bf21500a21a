//! Settings of the platform: what holds for every tenant that has not chosen for itself.

use access::{Caller, Permission, REVALENZ, audit};
use axum::extract::State;
use db::TenantTx;
use serde_json::Map;
use web::{
    Fetched, IfMatch, Problem, Texts, ValidJson,
    problem::{self, FieldCode, FieldError, Result},
};

use super::{
    settings::{SettingsInForce, split, value},
    visit,
};
use crate::{
    App,
    domain::settings::{DEFAULT_LOCALE, LOCALE, MFA_REQUIRED_ROLES, Overrides, UpdateSettings},
    permissions::{PlatformRead, PlatformUpdate},
    store::{platform_settings, tenants},
};

/// Roles that every tenant has.
const BUILT_IN: [&str; 4] = ["admin", "manager", "expert", "customer"];

/// Reads the settings that hold for every tenant that has not chosen for itself. Only the platform's staff may, at home.
#[utoipa::path(get, path = "/platform-settings", responses((status = 200, description = "All settings; `overridden` names those that are not the code's defaults. The version is that of the platform's own tenant.", body = SettingsInForce)))]
pub async fn get_platform_settings(
    State(app): State<App>,
    caller: Caller<PlatformRead>,
) -> Result<Fetched<SettingsInForce>> {
    let mut tx = begin(&app, &caller).await?;
    let row = tenants::find(&mut tx, REVALENZ)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let set = Overrides::of(platform_settings::list(&mut tx).await?, DEFAULT_LOCALE);
    tx.commit().await?;
    Ok(Fetched(SettingsInForce::of(&row, &set, &Map::new())?))
}

/// Changes them: what is not named stays, `null` goes back to the code's default. Tenants that have not chosen for themselves
/// follow within minutes. A tenant's language is its own, so `locale` is none of these.
#[utoipa::path(method(put, patch), path = "/platform-settings", responses((status = 200, description = "All settings as they are now.", body = SettingsInForce)))]
pub async fn update_platform_settings(
    State(app): State<App>,
    caller: Caller<PlatformUpdate>,
    if_match: IfMatch,
    ValidJson { value: change, .. }: ValidJson<UpdateSettings>,
) -> Result<Fetched<SettingsInForce>> {
    let now = app.gate.clock().now();
    let mut tx = begin(&app, &caller).await?;
    let mut row = tenants::lock(&mut tx, REVALENZ)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let before = Overrides::of(platform_settings::list(&mut tx).await?, DEFAULT_LOCALE);
    let mut after = before.clone();
    after.apply(change);
    let nothing = Map::new();
    let changed = after.differing(&before);
    if changed.is_empty() {
        tx.commit().await?;
        return Ok(Fetched(SettingsInForce::of(&row, &after, &nothing)?));
    }
    let in_force = after.in_force(&nothing).map_err(Problem::internal)?;
    check(&after, &in_force.mfa_required_roles)?;
    in_force.check()?;
    let (keys, values, gone) = split(&after, &changed);
    platform_settings::set(&mut tx, &keys, &values, now).await?;
    platform_settings::reset(&mut tx, &gone).await?;
    row.version += 1;
    row.updated_at = now;
    tenants::update(&mut tx, &row).await?;
    let (old, new) = (
        before
            .in_force(&nothing)
            .map_err(Problem::internal)?
            .mirror(),
        in_force.mirror(),
    );
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

/// Whoever has switched to a customer's tenant works there, and not on what is everybody's.
async fn begin<P: Permission>(app: &App, caller: &Caller<P>) -> Result<TenantTx> {
    if visit::is_staff(caller) {
        caller.begin(&app.db).await
    } else {
        Err(problem::NOT_FOUND.problem())
    }
}

fn check(set: &Overrides, roles: &[String]) -> Result<()> {
    let rule = |code, de, en| FieldCode::Rule(code, Texts { de, en });
    let locale = set.get(LOCALE).map(|_| FieldError {
        pointer: format!("/{LOCALE}"),
        code: rule(
            "of_the_tenant",
            "die Sprache wählt jede Organisation selbst",
            "every organisation chooses its own language",
        ),
    });
    let unknown = roles
        .iter()
        .enumerate()
        .filter(|(_, role)| !BUILT_IN.contains(&role.as_str()))
        .map(|(index, _)| FieldError {
            pointer: format!("/{MFA_REQUIRED_ROLES}/{index}"),
            code: rule(
                "unknown_role",
                "diese Rolle hat nicht jede Organisation",
                "not every organisation has this role",
            ),
        });
    let wrong: Vec<FieldError> = locale.into_iter().chain(unknown).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(wrong))
    }
}

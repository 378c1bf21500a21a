//! Updates custom roles.

use access::{
    Caller, MFA_REQUIRED_ROLES,
    targeting::{Attribute, Condition, TargetingRule},
};
use axum::extract::State;
use db::TenantTx;
use events::UnitOfWork;
use http::Method;
use ids::RoleId;
use sqlx::types::Json;
use web::{
    Fetched, IfMatch, Localized, PathIds, Problem, SingleLine, Text, ValidJson,
    body::Change,
    problem::{self, FieldCode, Result},
};

use super::{
    read::Role,
    rules::{audit_entry, check_custom, check_role, name_conflict},
};
use crate::{
    App,
    domain::{
        authority::missing_permissions,
        role::{BaseRole, WantedGrants},
    },
    error::OWN_ROLE,
    events::RoleUpdated,
    http::people::rules::check_authority,
    permissions::RoleUpdate,
    store::roles::{self, RoleRow},
};

web::body! {
    /// Changes to a role. Omitted fields are not changed.
    pub struct UpdateRole {
        /// Name, unique in the organisation.
        pub name: Change<SingleLine<1, 60>>,
        /// Description of the role's purpose; null clears it.
        pub description: Change<Option<Text<1, 500>>>,
        /// Built-in role that this role is based on.
        pub base_role: Change<BaseRole>,
        /// Permissions with their reach. `PUT` replaces the whole map; `PATCH` changes only the given permissions, and null removes one.
        pub permissions: Change<WantedGrants>,
    }
    example { "permissions": { "support.ticket.read": "all", "support.ticket.update": "own" } }
}

/// Update a role
///
/// Changes apply at once to all users with the role. Built-in roles cannot be changed. Callers can grant only permissions that they
/// have themselves, and cannot add permissions to their own role.
#[utoipa::path(method(put, patch), path = "/roles/{id}", responses((status = 200, body = Role, description = "The updated role.")))]
pub(crate) async fn update_role(
    State(app): State<App>,
    caller: Caller<RoleUpdate>,
    PathIds(id): PathIds<RoleId>,
    if_match: IfMatch,
    body: ValidJson<UpdateRole>,
) -> Result<Fetched<Role>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    roles::lock_roles(&mut unit).await?;
    let before = roles::find_role(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(before.version)?;
    check_custom(&before)?;
    let merges = caller.request().method() == Method::PATCH;
    let mut after = apply_changes(body.value, &before, merges);
    let people = roles::count_people(&mut unit, false).await?;
    let people = people.get(&id).copied().unwrap_or_default();
    if !has_changes(&before, &after) {
        unit.commit_unchanged().await?;
        return Ok(Fetched(Role::from_row(after, people)));
    }
    check_change(&mut unit, &caller, &before, &after).await?;
    (after.version, after.updated_at) = (before.version + 1, unit.now());
    roles::update_role(&mut unit, &after)
        .await
        .map_err(name_conflict(&after))?;
    unit.publish(after.version, RoleUpdated { role_id: id })
        .await?;
    let entry = audit_entry("identity.role.updated", id, Some(&before), Some(&after));
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(Fetched(Role::from_row(after, people)))
}

fn apply_changes(body: UpdateRole, before: &RoleRow, merges: bool) -> RoleRow {
    let mut after = before.clone();
    if let Change::Set(name) = body.name {
        after.name = name.into_string();
    }
    if let Change::Set(description) = body.description {
        after.description = description.map(Text::into_string).unwrap_or_default();
    }
    if let Change::Set(base) = body.base_role {
        base.as_str().clone_into(&mut after.base_role);
    }
    if let Change::Set(wanted) = body.permissions {
        after.permissions = Json(if merges {
            wanted.merged_into(&before.permissions.0)
        } else {
            wanted.into_grants()
        });
    }
    after
}

fn has_changes(before: &RoleRow, after: &RoleRow) -> bool {
    before.name != after.name
        || before.description != after.description
        || before.base_role != after.base_role
        || before.permissions.0 != after.permissions.0
}

async fn check_change(
    tx: &mut TenantTx,
    caller: &Caller<RoleUpdate>,
    before: &RoleRow,
    after: &RoleRow,
) -> Result<()> {
    check_authority(caller, before)?;
    check_role(tx, caller, after).await?;
    // The caller's cached permissions may exceed what the role has by now.
    let more = !missing_permissions(&before.permissions.0, &after.permissions.0).is_empty()
        || before.base_role != after.base_role;
    if more && caller.role == before.name && !caller.is_superadmin() {
        return Err(OWN_ROLE.problem());
    }
    if before.name != after.name {
        if is_named_in_settings(caller, &before.name) {
            return Err(Problem::field("/name", NAMED_IN_SETTINGS));
        }
        if is_named_in_features(caller, &before.name) {
            return Err(Problem::field("/name", NAMED_IN_FEATURES));
        }
    }
    Ok(())
}

const NAMED_IN_SETTINGS: FieldCode = FieldCode::Rule(
    "named_in_settings",
    Localized {
        de: "wird in der Einstellung mfa_required_roles verwendet; entfernen Sie ihn zuerst dort",
        en: "is used in the setting mfa_required_roles; remove it there first",
    },
);

const NAMED_IN_FEATURES: FieldCode = FieldCode::Rule(
    "named_in_features",
    Localized {
        de: "wird in der Bedingung einer Funktion verwendet, die nur die Plattform ändern kann",
        en: "is used in the condition of a feature, which only platform staff can change",
    },
);

/// Whether the condition of a feature names the role: renaming it would switch the feature off for those who have it, or on for those who
/// must not.
fn is_named_in_features(caller: &Caller<RoleUpdate>, name: &str) -> bool {
    let rules = caller.tenant.features.values();
    rules
        .filter_map(TargetingRule::from_projection)
        .any(|rule| {
            let on_roles = |condition: &Condition| condition.attribute == Attribute::Role;
            let mut conditions = rule.conditions.into_iter().filter(on_roles);
            conditions.any(|condition| condition.values.iter().any(|value| value == name))
        })
}

/// Whether `mfa_required_roles` names the role: renaming it would silently drop the requirement.
fn is_named_in_settings(caller: &Caller<RoleUpdate>, name: &str) -> bool {
    MFA_REQUIRED_ROLES.read(&caller.tenant).contains(&name)
}

//! Changing roles.

use access::Caller;
use axum::extract::State;
use db::TenantTx;
use http::Method;
use ids::RoleId;
use serde_json::Value;
use sqlx::types::Json;
use web::{
    Fetched, IfMatch, SingleLine, PathIds, Problem, Text, Localized, ValidJson,
    body::Change,
    problem::{self, FieldCode, Result},
};

use super::{
    read::Role,
    rules::{check_custom, check_role, follow_up, taken},
};
use crate::{
    App,
    domain::{
        authority::lacking,
        role::{BaseRole, WantedGrants},
    },
    error::OWN_ROLE,
    events::ROLE_UPDATED,
    http::people::rules::check_authority,
    permissions::RoleUpdate,
    store::roles::{self, RoleRow},
};

web::body! {
    /// What changes about a role.
    pub struct UpdateRole {
        /// Its name.
        pub name: Change<SingleLine<1, 60>>,
        /// What it is for; null clears it.
        pub description: Change<Option<Text<1, 500>>>,
        /// The built-in role that it is built on.
        pub base_role: Change<BaseRole>,
        /// What it may do, and how far. `PUT` replaces the whole map; `PATCH` changes what is named, and null takes a permission away.
        pub permissions: Change<WantedGrants>,
    }
    example { "permissions": { "support.ticket.read": "all", "support.ticket.update": "own" } }
}

/// Change a role. It counts at once for everybody who has it.
///
/// Built-in roles stay as they are. Nobody gives a role more than they hold themselves, and nobody adds to the role they have.
#[utoipa::path(method(put, patch), path = "/roles/{id}", responses((status = 200, body = Role, description = "The role as it is now.")))]
pub(crate) async fn update_role(
    State(app): State<App>,
    caller: Caller<RoleUpdate>,
    PathIds(id): PathIds<RoleId>,
    if_match: IfMatch,
    body: ValidJson<UpdateRole>,
) -> Result<Fetched<Role>> {
    let now = app.state.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    roles::lock_roles(&mut tx).await?;
    let before = roles::find_role(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(before.version)?;
    check_custom(&before)?;
    let merges = caller.request().method() == Method::PATCH;
    let mut after = applied(body.value, &before, merges);
    if differ(&before, &after) {
        check_change(&mut tx, &caller, &before, &after).await?;
        (after.version, after.updated_at) = (before.version + 1, now);
        roles::update_role(&mut tx, &after)
            .await
            .map_err(taken(&after))?;
        follow_up(
            &mut tx,
            &caller,
            (&ROLE_UPDATED, "identity.role.updated"),
            (Some(&before), Some(&after)),
            now,
        )
        .await?;
    }
    let people = roles::count_people(&mut tx, false).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    let people = people.get(&id).copied().unwrap_or_default();
    Ok(Fetched(Role::shown(after, people)))
}

fn applied(body: UpdateRole, before: &RoleRow, merges: bool) -> RoleRow {
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
            wanted.merged(&before.permissions.0)
        } else {
            wanted.whole()
        });
    }
    after
}

fn differ(before: &RoleRow, after: &RoleRow) -> bool {
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
    // What the caller is remembered to hold may be more than the role has by now.
    let more = !lacking(&before.permissions.0, &after.permissions.0).is_empty()
        || before.base_role != after.base_role;
    if more && caller.role == before.name && !caller.is_superadmin() {
        return Err(OWN_ROLE.problem());
    }
    if before.name != after.name && is_named_in_settings(caller, &before.name) {
        return Err(Problem::field("/name", NAMED_IN_SETTINGS));
    }
    Ok(())
}

const NAMED_IN_SETTINGS: FieldCode = FieldCode::Rule(
    "named_in_settings",
    Localized {
        de: "die Einstellung mfa_required_roles nennt die Rolle bei diesem Namen",
        en: "the setting mfa_required_roles names the role so",
    },
);

/// A role that must have a second factor would lose that with its name.
fn is_named_in_settings(caller: &Caller<RoleUpdate>, name: &str) -> bool {
    let names = caller.tenant.settings.get("mfa_required_roles");
    names
        .and_then(Value::as_array)
        .is_some_and(|names| names.iter().any(|other| other == name))
}

//! Rules for every change of a role.

use access::{Caller, ReachKind, audit};
use db::{DbError, TenantTx};
use ids::RoleId;
use serde_json::{Value, json};
use web::{Problem, problem::Result};

use crate::{
    domain::role::{self, is_reserved},
    error::{BUILT_IN_ROLE, ROLE_NAME_TAKEN},
    http::people::rules::check_authority,
    permissions::RoleUpdate,
    store::roles::{self, RoleRow},
};

/// Refuses invalid roles, and permissions that the caller may not grant.
pub(super) async fn check_role(
    tx: &mut TenantTx,
    caller: &Caller<RoleUpdate>,
    wanted: &RoleRow,
) -> Result<()> {
    let known = roles::list_permissions(tx).await?;
    role::check(&wanted.permissions.0, &known).map_err(Problem::invalid)?;
    if is_reserved(&wanted.name) {
        return Err(name_taken(wanted));
    }
    check_authority(caller, wanted)
}

/// Refuses changes to built-in roles.
pub(super) fn check_custom(role: &RoleRow) -> Result<()> {
    if role.built_in {
        Err(BUILT_IN_ROLE.problem().argument("role", &role.name))
    } else {
        Ok(())
    }
}

/// Maps the unique constraint on the role's name.
pub(super) fn name_conflict(role: &RoleRow) -> impl FnOnce(DbError) -> Problem {
    let refusal = name_taken(role);
    move |error| {
        if error.is_constraint("roles_name_key") {
            refusal
        } else {
            error.into()
        }
    }
}

fn name_taken(role: &RoleRow) -> Problem {
    ROLE_NAME_TAKEN.problem().argument("role", &role.name)
}

/// A field of a role.
type TextOf = fn(&RoleRow) -> &str;

/// The audit entry of a changed role, with its changed permissions.
pub(super) fn audit_entry(
    action: &'static str,
    id: RoleId,
    before: Option<&RoleRow>,
    after: Option<&RoleRow>,
) -> audit::Entry {
    let text = |row: Option<&RoleRow>, of: TextOf| row.map(|row| of(row).to_owned());
    let mut entry = audit::Entry::new(action, "role", id);
    let fields: [(&str, TextOf); 3] = [
        ("name", |row| &row.name),
        ("description", |row| &row.description),
        ("base_role", |row| &row.base_role),
    ];
    for (name, of) in fields {
        entry = entry.change(name, text(before, of), text(after, of));
    }
    let grants = |row: Option<&RoleRow>| row.map(|row| row.permissions.0.clone());
    let (old, new) = (
        grants(before).unwrap_or_default(),
        grants(after).unwrap_or_default(),
    );
    let reach = |reach: Option<ReachKind>| reach.map_or(Value::Null, |reach| json!(reach));
    for (permission, old, new) in role::diff_grants(&old, &new) {
        let field = format!("permissions.{permission}");
        entry = entry.change(&field, reach(old), reach(new));
    }
    entry
}

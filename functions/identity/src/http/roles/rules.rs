//! Rules for every change of a role.

use access::{Caller, ReachKind, audit};
use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use events::{Announcement, EventKind};
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

/// Publishes the event of a changed role and writes the changed permissions to the audit log.
pub(super) async fn record_and_announce(
    tx: &mut TenantTx,
    caller: &Caller<RoleUpdate>,
    (kind, action): (&'static EventKind, &'static str),
    (before, after): (Option<&RoleRow>, Option<&RoleRow>),
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(role) = after.or(before) else {
        return Ok(());
    };
    // Deletion counts as one more change.
    let version = i64::from(role.version) + i64::from(after.is_none());
    let announcement = Announcement {
        kind,
        subject: format!("roles/{}", role.id),
        version,
        data: json!({"role_id": role.id}),
        sealed: None,
    };
    events::announce(tx, caller.request(), now, announcement).await?;
    let entry = entry(action, role, before, after);
    let reason = caller.reason.as_deref();
    audit::record(tx, caller.request(), now, reason, entry).await?;
    Ok(())
}

/// A field of a role.
type TextOf = fn(&RoleRow) -> &str;

fn entry(
    action: &'static str,
    role: &RoleRow,
    before: Option<&RoleRow>,
    after: Option<&RoleRow>,
) -> audit::Entry {
    let text = |row: Option<&RoleRow>, of: TextOf| row.map(|row| of(row).to_owned());
    let mut entry = audit::Entry::new(action, "role", role.id);
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

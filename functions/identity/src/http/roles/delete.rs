//! Deletes custom roles.

use access::Caller;
use axum::extract::State;
use db::DbError;
use events::UnitOfWork;
use http::StatusCode;
use ids::RoleId;
use web::{
    IfMatch, PathIds, Problem,
    problem::{self, Result},
};

use super::rules::{audit_entry, check_custom};
use crate::{
    App,
    error::ROLE_IN_USE,
    events::RoleDeleted,
    http::people::rules::check_authority,
    permissions::RoleUpdate,
    store::{roles, seats},
};

/// Delete a role
///
/// Built-in roles, and roles that are still assigned to users (including disabled ones), cannot be deleted.
#[utoipa::path(delete, path = "/roles/{id}", responses((status = 204, description = "The role has been deleted.")))]
pub(crate) async fn delete_role(
    State(app): State<App>,
    caller: Caller<RoleUpdate>,
    PathIds(id): PathIds<RoleId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    // Requests that assign roles take the same lock.
    seats::lock_people(&mut unit).await?;
    roles::lock_roles(&mut unit).await?;
    let role = roles::find_role(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(role.version)?;
    check_custom(&role)?;
    check_authority(&caller, &role)?;
    let people = roles::count_people(&mut unit, true).await?;
    let people = people.get(&id).copied().unwrap_or_default();
    if people > 0 {
        return Err(role_in_use(people));
    }
    roles::delete_role(&mut unit, id, role.version + 1)
        .await
        .map_err(role_in_use_conflict)?;
    // Deletion counts as one more change.
    unit.publish(role.version + 1, RoleDeleted { role_id: id })
        .await?;
    let entry = audit_entry("identity.role.deleted", id, Some(&role), None);
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn role_in_use(people: i64) -> Problem {
    ROLE_IN_USE
        .problem()
        .argument("people", people)
        .member("people", people)
}

/// Maps the foreign key: the role was assigned concurrently by a request that does not take the lock.
fn role_in_use_conflict(error: DbError) -> Problem {
    if error.is_constraint("users_role_fkey") || error.is_constraint("people_role_fkey") {
        role_in_use(1)
    } else {
        error.into()
    }
}

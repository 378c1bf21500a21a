//! Removing roles.

use access::Caller;
use axum::extract::State;
use db::DbError;
use http::StatusCode;
use ids::RoleId;
use web::{
    IfMatch, PathIds, Problem,
    problem::{self, Result},
};

use super::rules::{check_custom, follow_up};
use crate::{
    App,
    error::ROLE_IN_USE,
    events::ROLE_DELETED,
    http::people::rules::check_authority,
    permissions::RoleUpdate,
    store::{roles, seats},
};

/// Remove a role that nobody has any more; people who are disabled count.
#[utoipa::path(delete, path = "/roles/{id}", responses((status = 204, description = "Removed.")))]
pub(crate) async fn delete_role(
    State(app): State<App>,
    caller: Caller<RoleUpdate>,
    PathIds(id): PathIds<RoleId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let now = app.state.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    // Whoever gives people roles holds the same lock.
    seats::lock_people(&mut tx).await?;
    roles::lock_roles(&mut tx).await?;
    let role = roles::find_role(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(role.version)?;
    check_custom(&role)?;
    check_authority(&caller, &role)?;
    let people = roles::count_people(&mut tx, true).await?;
    let people = people.get(&id).copied().unwrap_or_default();
    if people > 0 {
        return Err(in_use(people));
    }
    roles::delete_role(&mut tx, id).await.map_err(held)?;
    follow_up(
        &mut tx,
        &caller,
        (&ROLE_DELETED, "identity.role.deleted"),
        (Some(&role), None),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn in_use(people: i64) -> Problem {
    ROLE_IN_USE
        .problem()
        .argument("people", people)
        .member("people", people)
}

/// Somebody got it meanwhile, by a way that does not wait for the others.
fn held(error: DbError) -> Problem {
    if error.is_constraint("users_role_fkey") || error.is_constraint("people_role_fkey") {
        in_use(1)
    } else {
        error.into()
    }
}

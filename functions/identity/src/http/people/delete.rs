//! Disables users. Their data is kept; erasure belongs to the privacy context.

use access::{Caller, audit};
use axum::extract::State;
use events::UnitOfWork;
use http::StatusCode;
use ids::UserId;
use web::{
    IfMatch, PathIds,
    problem::{self, Result},
};

use super::rules;
use crate::{
    App,
    domain::status::UserStatus,
    events::UserDisabled,
    permissions::UserDisable,
    store::{
        one_time_tokens, roles, seats,
        sessions::{self, EndReason},
        users,
    },
};

/// Disable a user
///
/// Ends all sessions of the user and frees the seat; no data is deleted. To enable the user again, call
/// `PUT /users/{id}?status=disabled` with `"status": "active"`.
#[utoipa::path(delete, path = "/users/{id}", responses((status = 204, description = "The user is disabled.")))]
pub(crate) async fn delete_user(
    State(app): State<App>,
    caller: Caller<UserDisable>,
    PathIds(id): PathIds<UserId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let reach = caller.reach();
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    seats::lock_people(&mut unit).await?;
    users::lock_user(&mut unit, reach, id).await?;
    let mut user = users::find_user(&mut unit, reach, id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(user.version)?;
    let roles = roles::list_roles(&mut unit).await?;
    let role = roles
        .iter()
        .find(|role| role.id == user.role_id)
        .ok_or(&problem::NOT_FOUND)?;
    rules::check_authority(&caller, role)?;
    rules::check_last_admin(&mut unit, role, id).await?;
    let before = user.status;
    user.status = UserStatus::Disabled;
    users::update_user(&mut unit, reach, &user).await?;
    sessions::end_sessions(&mut unit, id, None, EndReason::Disabled).await?;
    one_time_tokens::void_tokens(&mut unit, id).await?;
    unit.publish(user.version + 1, UserDisabled { user_id: id })
        .await?;
    let entry = audit::Entry::new("identity.user.disabled", "user", id).change(
        "status",
        before.as_str(),
        "disabled",
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

//! Disables users. Their data is kept; erasure belongs to the privacy context.

use access::{Caller, audit};
use axum::extract::State;
use http::StatusCode;
use ids::UserId;
use serde_json::json;
use web::{
    IfMatch, PathIds,
    problem::{self, Result},
};

use super::rules;
use crate::{
    App,
    domain::status::UserStatus,
    events::USER_DISABLED,
    http::announce,
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
    let now = app.state.clock().now();
    let reach = caller.reach();
    let mut tx = caller.begin(&app.db).await?;
    seats::lock_people(&mut tx).await?;
    users::lock_user(&mut tx, reach, id).await?;
    let mut user = users::find_user(&mut tx, reach, id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(user.version)?;
    let roles = roles::list_roles(&mut tx).await?;
    let role = roles
        .iter()
        .find(|role| role.id == user.role_id)
        .ok_or(&problem::NOT_FOUND)?;
    rules::check_authority(&caller, role)?;
    rules::check_last_admin(&mut tx, role, id).await?;
    let before = user.status;
    user.status = UserStatus::Disabled;
    users::update_user(&mut tx, reach, &user, now).await?;
    sessions::end_sessions(&mut tx, id, None, EndReason::Disabled, now).await?;
    one_time_tokens::void_tokens(&mut tx, id, now).await?;
    let data = json!({"user_id": id});
    announce(
        &mut tx,
        caller.request(),
        now,
        &USER_DISABLED,
        (id, user.version + 1),
        data,
    )
    .await?;
    let entry = audit::Entry::new("identity.user.disabled", "user", id).change(
        "status",
        before.as_str(),
        "disabled",
    );
    audit::record(
        &mut tx,
        caller.request(),
        now,
        caller.reason.as_deref(),
        entry,
    )
    .await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

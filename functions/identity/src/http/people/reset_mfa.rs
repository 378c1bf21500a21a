//! Resets a user's second factors.

use access::Caller;
use axum::extract::State;
use http::StatusCode;
use ids::UserId;
use web::{
    PathIds,
    problem::{self, Result},
};

use super::rules;
use crate::{
    App,
    events::MFA_DISABLED,
    http::factors::second_factor::{record_and_announce, void_pending_mfa},
    permissions::UserResetMfa,
    store::{passkeys, roles, second_factors, totp, users},
};

/// Remove all second factors of a user
///
/// Removes the authenticator app, all passkeys and the recovery codes, for users who have lost them. The user is notified by email.
/// Requires authentication within the last 10 minutes (`POST /auth/reauthenticate`).
#[utoipa::path(delete, path = "/users/{id}/mfa", responses((status = 204, description = "All second factors have been removed.")))]
pub(crate) async fn reset_user_mfa(
    State(app): State<App>,
    caller: Caller<UserResetMfa>,
    PathIds(id): PathIds<UserId>,
) -> Result<StatusCode> {
    let now = app.state.clock().now();
    caller.require_recent_authentication(now)?;
    let reach = caller.reach();
    let mut tx = caller.begin(&app.db).await?;
    users::lock_user(&mut tx, reach, id).await?;
    let user = users::find_user(&mut tx, reach, id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let roles = roles::list_roles(&mut tx).await?;
    let role = roles
        .iter()
        .find(|role| role.id == user.role_id)
        .ok_or(&problem::NOT_FOUND)?;
    rules::check_authority(&caller, role)?;
    if !second_factors::find_factors(&mut tx, id).await?.has_any() {
        return Err(problem::NOT_FOUND.problem());
    }
    void_pending_mfa(&mut tx, id, now).await?;
    totp::delete_totp(&mut tx, id).await?;
    passkeys::delete_passkeys(&mut tx, id, None).await?;
    let audit_context = (caller.request(), caller.reason.as_deref());
    record_and_announce(&mut tx, audit_context, id, (&MFA_DISABLED, "all"), now).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

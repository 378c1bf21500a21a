//! Resets a user's second factors.

use access::Caller;
use axum::extract::State;
use events::UnitOfWork;
use http::StatusCode;
use ids::UserId;
use web::{
    PathIds,
    problem::{self, Result},
};

use super::rules;
use crate::{
    App,
    domain::factor::RemovedFactor,
    http::factors::second_factor::finish_removal,
    permissions::UserResetMfa,
    store::{mfa_challenges, passkeys, roles, second_factors, totp, users},
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
    let reach = caller.reach();
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    users::lock_user(&mut unit, reach, id).await?;
    let user = users::find_user(&mut unit, reach, id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let roles = roles::list_roles(&mut unit).await?;
    let role = roles
        .iter()
        .find(|role| role.id == user.role_id)
        .ok_or(&problem::NOT_FOUND)?;
    rules::check_authority(&caller, role)?;
    if !second_factors::find_factors(&mut unit, id).await?.has_any() {
        return Err(problem::NOT_FOUND.problem());
    }
    mfa_challenges::void_challenges(&mut unit, id).await?;
    totp::delete_totp(&mut unit, id).await?;
    passkeys::delete_passkeys(&mut unit, id, None).await?;
    finish_removal(&app, unit, id, RemovedFactor::All).await?;
    Ok(StatusCode::NO_CONTENT)
}

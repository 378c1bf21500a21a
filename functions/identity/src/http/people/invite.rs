//! Sends an invitation again.

use access::{Caller, audit};
use axum::extract::State;
use ids::UserId;
use web::{
    Accepted, PathIds,
    problem::{self, Result},
};

use super::rules;
use crate::{
    App,
    domain::status::UserStatus,
    error::ILLEGAL_STATUS,
    http::links::{mail_request::MailAccepted, one_time_link},
    permissions::UserCreate,
    store::{roles, users},
};

/// Resend an invitation
///
/// Sends a new invitation by email to a user who has not accepted yet. Earlier invitations are no longer valid.
#[utoipa::path(post, path = "/users/{id}/invite", responses((status = 202, body = MailAccepted, description = "An email with a link is sent.")))]
pub(crate) async fn invite_user(
    State(app): State<App>,
    caller: Caller<UserCreate>,
    PathIds(id): PathIds<UserId>,
) -> Result<Accepted<MailAccepted>> {
    let now = app.state.clock().now();
    let (tenant, request) = (caller.tenant.id, caller.request());
    let mut tx = caller.begin(&app.db).await?;
    users::lock_user(&mut tx, caller.reach(), id).await?;
    let user = users::find_user(&mut tx, caller.reach(), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let roles = roles::list_roles(&mut tx).await?;
    let role = roles
        .iter()
        .find(|role| role.id == user.role_id)
        .ok_or(&problem::NOT_FOUND)?;
    rules::check_authority(&caller, role)?;
    if user.status != UserStatus::Invited {
        return Err(ILLEGAL_STATUS
            .problem()
            .argument("from", user.status)
            .argument("to", UserStatus::Invited));
    }
    // Limited per recipient only, because a whole team may be invited from one IP address.
    app.mail_throttle
        .consume(&tenant.to_string(), &user.email, None, now)
        .await?;
    one_time_link::send_invitation(&app, &mut tx, request, (id, user.version), now).await?;
    let entry = audit::Entry::new("identity.user.invited", "user", id);
    audit::record(&mut tx, request, now, caller.reason.as_deref(), entry).await?;
    tx.commit().await?;
    Ok(MailAccepted::answer())
}

//! Sends an invitation again.

use access::{Caller, audit};
use axum::extract::State;
use events::UnitOfWork;
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
    store::{roles, seats, users},
};

/// Resend an invitation
///
/// Sends a new invitation by email to a user who has not accepted yet. Earlier invitations are no longer valid. An invitation that has
/// expired takes a seat again.
#[utoipa::path(post, path = "/users/{id}/invite", responses((status = 202, body = MailAccepted, description = "An email with a link is sent.")))]
pub(crate) async fn invite_user(
    State(app): State<App>,
    caller: Caller<UserCreate>,
    PathIds(id): PathIds<UserId>,
) -> Result<Accepted<MailAccepted>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    seats::lock_people(&mut unit).await?;
    users::lock_user(&mut unit, caller.reach(), id).await?;
    let user = users::find_user(&mut unit, caller.reach(), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let roles = roles::list_roles(&mut unit).await?;
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
    if !seats::has_seat(&mut unit, id).await? {
        rules::check_seats(&mut unit).await?;
    }
    // Limited per recipient only, because a whole team may be invited from one IP address.
    let tenant = caller.tenant.id.to_string();
    app.mail_throttle
        .consume(&tenant, &user.email, None, unit.now())
        .await?;
    one_time_link::send_invitation(&app, &mut unit, id, user.version).await?;
    let entry = audit::Entry::new("identity.user.invited", "user", id);
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(MailAccepted::answer())
}

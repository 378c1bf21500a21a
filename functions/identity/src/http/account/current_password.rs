//! Checks the current password of a signed-in user.

use access::{Anyone, Caller};
use chrono::{DateTime, Utc};
use db::Actor;
use ids::{SessionId, TenantId, UserId};
use web::problem::{self, Result};

use crate::{
    App,
    domain::{password::PasswordInput, password_hash::PasswordCheck},
    error::WRONG_PASSWORD,
    http::current_user::CurrentUser,
    store::{
        accounts,
        users::{self, UserRow},
    },
};

/// The user whose password was just verified.
#[derive(Debug)]
pub(crate) struct VerifiedPassword {
    pub(crate) tenant: TenantId,
    pub(crate) id: UserId,
    pub(crate) session: SessionId,
    pub(crate) user: UserRow,
    /// The hash that the password was verified against.
    pub(crate) password_hash: String,
}

/// Checks the caller's own password. Wrong passwords count as failed sign-ins, so a stolen access token cannot be used to guess.
pub(crate) async fn verify_current_password(
    app: &App,
    caller: &Caller<Anyone>,
    password: &PasswordInput,
    now: DateTime<Utc>,
) -> Result<VerifiedPassword> {
    let CurrentUser {
        tenant,
        user: id,
        session,
    } = CurrentUser::from_caller(caller)?;
    let mut tx = app.db.begin(tenant, Actor::user(id)).await?;
    let user = users::find_user(&mut tx, access::Reach::Own(id), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let stored = accounts::find_password_hash(&mut tx, id).await?;
    tx.commit().await?;
    let address = caller.request().address();
    let attempt = app
        .throttle
        .begin(&tenant.to_string(), &user.email, address, now)
        .await?;
    let check = app
        .hasher
        .verify(password.expose(), stored.as_deref())
        .await?;
    if let (PasswordCheck::Correct { .. }, Some(password_hash)) = (check, stored) {
        return Ok(VerifiedPassword {
            tenant,
            id,
            session,
            user,
            password_hash,
        });
    }
    attempt.record_failure(now);
    Err(WRONG_PASSWORD.problem())
}

//! Checks the current password of a signed-in user.

use access::{Anyone, Caller, Reach};
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
    pub(crate) me: CurrentUser,
    pub(crate) user: UserRow,
    /// The hash that the password was verified against.
    pub(crate) password_hash: String,
}

/// Checks the caller's own password. Wrong passwords are counted for the session, so a stolen access
/// token cannot be used to guess, and an attacker who guesses at sign-in does not keep its owner out.
pub(crate) async fn verify_current_password(
    app: &App,
    caller: &Caller<Anyone>,
    password: &PasswordInput,
) -> Result<VerifiedPassword> {
    let me = CurrentUser::from_caller(caller)?;
    let mut tx = me.begin_read_only(app).await?;
    let now = tx.now();
    let user = users::find_user(&mut tx, Reach::Own(me.user), me.user, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let stored = accounts::find_password_hash(&mut tx, me.user).await?;
    tx.commit().await?;
    let (tenant, address) = (me.tenant.to_string(), caller.request().address());
    let session = me.session.to_string();
    let attempt = app.throttle.begin(&tenant, &session, address, now).await?;
    let check = app
        .hasher
        .verify(password.expose(), stored.as_deref())
        .await?;
    if let (PasswordCheck::Correct { .. }, Some(password_hash)) = (check, stored) {
        return Ok(VerifiedPassword {
            me,
            user,
            password_hash,
        });
    }
    attempt.record_failure(now);
    Err(WRONG_PASSWORD.problem())
}

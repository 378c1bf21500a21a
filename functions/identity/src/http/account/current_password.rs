//! Whoever is signed in shows once more that they know the password.

use access::{Anyone, Caller};
use chrono::{DateTime, Utc};
use db::Actor;
use ids::{SessionId, TenantId, UserId};
use web::problem::{self, Result};

use crate::{
    App,
    domain::{password::GivenPassword, password_hash::Verdict},
    error::{NOT_A_PERSON, WRONG_PASSWORD},
    http::sessions::logout::home,
    store::{
        accounts,
        users::{self, UserRow},
    },
};

/// Somebody whose password was right just now.
#[derive(Debug)]
pub(crate) struct Confirmed {
    pub(crate) tenant: TenantId,
    pub(crate) id: UserId,
    pub(crate) session: SessionId,
    pub(crate) user: UserRow,
    /// The hash that was checked.
    pub(crate) verified: String,
}

/// Checks the caller's own password. Wrong ones count like failed sign-ins: a stolen access token is no way to guess.
pub(crate) async fn confirm(
    app: &App,
    caller: &Caller<Anyone>,
    password: &GivenPassword,
    now: DateTime<Utc>,
) -> Result<Confirmed> {
    let (id, session) = caller.user.zip(caller.session).ok_or(&NOT_A_PERSON)?;
    let tenant = home(caller);
    let mut tx = app.db.begin(tenant, Actor::user(id)).await?;
    let user = users::find_user(&mut tx, access::Reach::Own(id), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let stored = accounts::find_password(&mut tx, id).await?;
    tx.commit().await?;
    let address = caller.request().address();
    let attempt = app
        .throttle
        .begin(&tenant.to_string(), &user.email, address, now)
        .await?;
    let verdict = app
        .hasher
        .verify(password.expose(), stored.as_deref())
        .await?;
    if let (Verdict::Right { .. }, Some(verified)) = (verdict, stored) {
        return Ok(Confirmed {
            tenant,
            id,
            session,
            user,
            verified,
        });
    }
    attempt.failed(now);
    Err(WRONG_PASSWORD.problem())
}

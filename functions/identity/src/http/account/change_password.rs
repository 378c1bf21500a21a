//! Another password for oneself.

use access::{Anyone, Caller, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::Actor;
use http::StatusCode;
use serde_json::json;
use web::{Problem, ValidJson, problem::Result};

use super::current_password::{self, Confirmed};
use crate::{
    App,
    domain::{
        password::{self, GivenPassword, NewPassword, Owner},
        tenant_rules,
    },
    error::WRONG_PASSWORD,
    events::PASSWORD_CHANGED,
    http::{announce, tenant::find_living},
    store::{
        accounts, one_time_tokens,
        sessions::{self, EndReason},
    },
};

web::body! {
    /// The password that there is, and the one that is to be.
    pub struct ChangePassword {
        /// The present password.
        pub current_password: GivenPassword,
        /// The password from now on.
        pub new_password: NewPassword,
    }
    example { "current_password": "correct horse battery staple", "new_password": "another horse, another staple" }
}

/// Change one's own password.
///
/// This session stays, every other one ends, and open links become worthless. Who has no password gets one by
/// `POST /auth/password/forgot`.
#[utoipa::path(post, path = "/auth/password/change", responses((status = 204, description = "The password is another one.")))]
pub(crate) async fn change_password(
    State(app): State<App>,
    caller: Caller<Anyone>,
    body: ValidJson<ChangePassword>,
) -> Result<StatusCode> {
    let now = app.state.clock().now();
    let ChangePassword {
        current_password,
        new_password,
    } = body.value;
    let confirmed = current_password::confirm(&app, &caller, &current_password, now).await?;
    let owner = Owner {
        email: &confirmed.user.email,
        given_name: &confirmed.user.given_name,
        family_name: &confirmed.user.family_name,
    };
    let min_length = find_living(&app, confirmed.tenant)
        .await?
        .map_or(0, |tenant| tenant_rules::min_password_length(&tenant));
    password::check(&new_password, owner, min_length)
        .map_err(|code| Problem::field("/new_password", code))?;
    let password_hash = app.hasher.hash(new_password.expose()).await?;
    change(&app, &caller, &confirmed, &password_hash, now).await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

async fn change(
    app: &App,
    caller: &Caller<Anyone>,
    confirmed: &Confirmed,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let (id, request) = (confirmed.id, caller.request());
    let mut tx = app.db.begin(confirmed.tenant, Actor::user(id)).await?;
    let passwords = (Some(confirmed.verified.as_str()), password_hash);
    // Of two changes at the same time the later one knew a password that no longer holds.
    let version = accounts::change_password(&mut tx, id, passwords, now)
        .await?
        .ok_or(&WRONG_PASSWORD)?;
    one_time_tokens::void_tokens(&mut tx, id, now).await?;
    let kept = (id, confirmed.session);
    sessions::end_other_sessions(&mut tx, kept, EndReason::PasswordChanged, now).await?;
    let data = json!({"user_id": id});
    announce(
        &mut tx,
        request,
        now,
        &PASSWORD_CHANGED,
        (id, version),
        data,
    )
    .await?;
    let entry = audit::Entry::new("identity.user.password_changed", "user", id);
    audit::record(&mut tx, request, now, caller.reason.as_deref(), entry).await?;
    tx.commit().await?;
    Ok(())
}

//! Changes the password of the signed-in user.

use access::{Anyone, Caller, audit};
use axum::extract::State;
use http::StatusCode;
use web::{Problem, ValidJson, problem::Result};

use super::current_password::{self, VerifiedPassword};
use crate::{
    App,
    domain::{
        password::{self, NewPassword, Owner, PasswordInput},
        tenant_rules,
    },
    error::WRONG_PASSWORD,
    events::PasswordChanged,
    http::tenant::find_open_tenant,
    store::{
        accounts, one_time_tokens,
        sessions::{self, EndReason},
    },
};

web::body! {
    /// The current and the new password.
    pub struct ChangePassword {
        /// The current password.
        pub current_password: PasswordInput,
        /// The new password.
        pub new_password: NewPassword,
    }
    example { "current_password": "correct horse battery staple", "new_password": "another horse, another staple" }
}

/// Change your password
///
/// The current session continues; all other sessions and all open links of the account end. Accounts without a password set one
/// with `POST /auth/password/forgot`.
#[utoipa::path(post, path = "/auth/password/change", responses((status = 204, description = "The password has been changed.")))]
pub(crate) async fn change_password(
    State(app): State<App>,
    caller: Caller<Anyone>,
    body: ValidJson<ChangePassword>,
) -> Result<StatusCode> {
    let ChangePassword {
        current_password,
        new_password,
    } = body.value;
    let verified =
        current_password::verify_current_password(&app, &caller, &current_password).await?;
    let owner = Owner {
        email: &verified.user.email,
        given_name: &verified.user.given_name,
        family_name: &verified.user.family_name,
    };
    let min_length = find_open_tenant(&app, verified.me.tenant)
        .await?
        .map_or(0, |tenant| tenant_rules::min_password_length(&tenant));
    password::check(&new_password, owner, min_length)
        .map_err(|code| Problem::field("/new_password", code))?;
    let password_hash = app.hasher.hash(new_password.expose()).await?;
    store_new_password(&app, &caller, &verified, &password_hash).await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

async fn store_new_password(
    app: &App,
    caller: &Caller<Anyone>,
    verified: &VerifiedPassword,
    password_hash: &str,
) -> Result<()> {
    let me = verified.me;
    let mut unit = me.begin(app, caller).await?;
    // Of two concurrent changes, the later one verified a password that is no longer current.
    let current = Some(verified.password_hash.as_str());
    let version = accounts::change_password(&mut unit, me.user, current, password_hash)
        .await?
        .ok_or(&WRONG_PASSWORD)?;
    one_time_tokens::void_tokens(&mut unit, me.user).await?;
    let reason = EndReason::PasswordChanged;
    sessions::end_other_sessions(&mut unit, me.user, me.session, reason).await?;
    unit.publish(version, PasswordChanged { user_id: me.user })
        .await?;
    let entry = audit::Entry::new("identity.user.password_changed", "user", me.user);
    unit.audit(entry).await?;
    unit.commit().await
}

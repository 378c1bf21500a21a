//! Resets the password with a link.

use access::{audit, opaque::Opaque};
use axum::extract::State;
use db::Actor;
use events::UnitOfWork;
use http::{HeaderMap, StatusCode};
use ids::{OneTimeToken, UserId};
use web::{Problem, RequestInfo, ValidJson, problem::Result};

use super::one_time_link::{self, TokenInput};
use crate::{
    App,
    domain::{
        password::{self, NewPassword, Owner},
        tenant_rules,
    },
    error::{INVALID_TOKEN, unauthorized},
    events::PasswordChanged,
    http::{sessions::cookie, tenant::find_open_tenant},
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
        sessions::{self, EndReason},
    },
};

web::body! {
    /// The token from a link and the new password.
    pub struct ResetPassword {
        /// Token from the link. It can be used once.
        pub token: TokenInput,
        /// The new password.
        pub password: NewPassword,
    }
}

fn invalid() -> Problem {
    unauthorized(&INVALID_TOKEN)
}

/// Reset a password
///
/// Sets a new password with the token from the link. All sessions and all other links of the account end, and the user is not
/// signed in. If the password is rejected, the link stays valid.
#[utoipa::path(
    post,
    path = "/auth/password/reset",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 204, description = "The password has been changed."))
)]
pub(crate) async fn reset_password(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<ResetPassword>,
) -> Result<StatusCode> {
    let ResetPassword { token, password } = body.value;
    let token = one_time_link::parse_token(&token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    cookie::check_page(&app.state, &headers, Some(tenant.id)).await?;
    let user = one_time_link::find_owner(&app, &token, TokenPurpose::ResetPassword).await?;
    let owner = Owner {
        email: &user.email,
        given_name: &user.given_name,
        family_name: &user.family_name,
    };
    let min_length = tenant_rules::min_password_length(&tenant);
    password::check(&password, owner, min_length)
        .map_err(|code| Problem::field("/password", code))?;
    let password_hash = app.hasher.hash(password.expose()).await?;
    change_password_with_token(&app, &request, user.id, &token, &password_hash).await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

/// Locks the account before its links and sessions, like every other change, so that a concurrent sign-in is ended too.
async fn change_password_with_token(
    app: &App,
    request: &RequestInfo,
    user: UserId,
    token: &Opaque<OneTimeToken>,
    password_hash: &str,
) -> Result<()> {
    let mut unit = UnitOfWork::begin_anonymous(app, request, token.tenant, Actor::EXTERNAL).await?;
    let version = accounts::change_password(&mut unit, user, None, password_hash)
        .await?
        .ok_or_else(invalid)?;
    one_time_tokens::use_token(&mut unit, token, TokenPurpose::ResetPassword)
        .await?
        .ok_or_else(invalid)?;
    accounts::mark_email_verified(&mut unit, user).await?;
    one_time_tokens::void_tokens(&mut unit, user).await?;
    sessions::end_sessions(&mut unit, user, None, EndReason::PasswordChanged).await?;
    unit.publish(version, PasswordChanged { user_id: user })
        .await?;
    unit.audit(audit::Entry::new(
        "identity.user.password_reset",
        "user",
        user,
    ))
    .await?;
    unit.commit().await
}

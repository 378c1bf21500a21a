//! Resets the password with a link.

use access::{Tenant, audit, opaque::Opaque};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::Actor;
use http::{HeaderMap, StatusCode};
use ids::OneTimeToken;
use serde_json::json;
use web::{Problem, RequestInfo, ValidJson, problem::Result};

use super::one_time_link::{self, TokenInput};
use crate::{
    App,
    domain::{
        password::{self, NewPassword, Owner},
        tenant_rules,
    },
    error::{INVALID_TOKEN, unauthorized},
    events::PASSWORD_CHANGED,
    http::{announce, sessions::cookie, tenant::find_open_tenant},
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
        sessions::{self, EndReason},
        users::{self, UserRow},
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
    let now = app.state.clock().now();
    let ResetPassword { token, password } = body.value;
    let token = one_time_link::parse_token(&token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    cookie::check_page(&app.state, &headers, Some(tenant.id)).await?;
    let user = find_owner(&app, &tenant, &token, now).await?;
    let owner = Owner {
        email: &user.email,
        given_name: &user.given_name,
        family_name: &user.family_name,
    };
    let min_length = tenant_rules::min_password_length(&tenant);
    password::check(&password, owner, min_length)
        .map_err(|code| Problem::field("/password", code))?;
    let password_hash = app.hasher.hash(password.expose()).await?;
    change_password_with_token(&app, &request, (&user, &token), &password_hash, now).await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

/// Finds the owner of the link while it is valid.
async fn find_owner(
    app: &App,
    tenant: &Tenant,
    token: &Opaque<OneTimeToken>,
    now: DateTime<Utc>,
) -> Result<UserRow> {
    let mut tx = app.db.begin(tenant.id, Actor::EXTERNAL).await?;
    let live = one_time_tokens::find_token(&mut tx, token, TokenPurpose::ResetPassword, now)
        .await?
        .ok_or_else(invalid)?;
    let user = users::find_user(&mut tx, access::Reach::All, live.user, false).await?;
    tx.commit().await?;
    user.ok_or_else(invalid)
}

/// Locks the account before its links and sessions, like every other change, so that a concurrent sign-in is ended too.
async fn change_password_with_token(
    app: &App,
    request: &RequestInfo,
    (user, token): (&UserRow, &Opaque<OneTimeToken>),
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut tx = app.db.begin(token.tenant, Actor::EXTERNAL).await?;
    let version = accounts::change_password(&mut tx, user.id, (None, password_hash), now)
        .await?
        .ok_or_else(invalid)?;
    one_time_tokens::use_token(&mut tx, token, TokenPurpose::ResetPassword, now)
        .await?
        .ok_or_else(invalid)?;
    accounts::mark_email_verified(&mut tx, user.id, now).await?;
    one_time_tokens::void_tokens(&mut tx, user.id, now).await?;
    sessions::end_sessions(&mut tx, user.id, None, EndReason::PasswordChanged, now).await?;
    let data = json!({"user_id": user.id});
    announce(
        &mut tx,
        request,
        now,
        &PASSWORD_CHANGED,
        (user.id, version),
        data,
    )
    .await?;
    let entry = audit::Entry::new("identity.user.password_reset", "user", user.id);
    audit::record(&mut tx, request, now, None, entry).await?;
    tx.commit().await?;
    Ok(())
}

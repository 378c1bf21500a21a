//! Accepts an invitation.

use db::Actor;
use std::sync::Arc;

use access::{Tenant, audit, opaque::Opaque};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use http::HeaderMap;
use ids::OneTimeToken;
use serde_json::json;
use web::{Problem, RequestInfo, SingleLine, ValidJson, problem::Result};

use super::one_time_link::{self, TokenInput};
use crate::{
    App,
    domain::{
        password::{self, NewPassword, Owner},
        status::UserStatus,
        tenant_rules,
    },
    error::{INVALID_TOKEN, unauthorized},
    events::USER_ACTIVATED,
    http::{
        announce,
        sessions::{cookie::RefreshMode, session::Device},
        sign_in::first_factor::{AuthMethod, SignInAnswer, SignInOutcome, complete_first_factor},
        tenant::{check_writable, find_open_tenant, set_caller},
    },
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
        users::{self, UserRow},
    },
};

web::body! {
    /// The token of an invitation, and the password that its owner chooses.
    pub struct AcceptInvite {
        /// Token from the link. It can be used once.
        pub token: TokenInput,
        /// The new password.
        pub password: NewPassword,
        /// How the refresh token is returned: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// Name of this device, as shown in the list of sessions.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

fn invalid() -> Problem {
    unauthorized(&INVALID_TOKEN)
}

/// Accept an invitation
///
/// Sets the password, activates the account and signs the user in. If the password is rejected, the invitation stays valid.
#[utoipa::path(
    post,
    path = "/auth/invite/accept",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = SignInAnswer, description = "The account is active; tokens, or the second factor that is required next."))
)]
pub(crate) async fn accept_invite(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<AcceptInvite>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let AcceptInvite {
        token,
        password,
        refresh,
        device_name,
    } = body.value;
    let device = Device {
        mode: refresh.unwrap_or_default(),
        name: device_name,
    };
    let token = one_time_link::parse_token(&token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    device.check_page(&app, &headers, Some(tenant.id)).await?;
    let invited = find_invited_user(&app, &tenant, &token, now).await?;
    let owner = Owner {
        email: &invited.email,
        given_name: &invited.given_name,
        family_name: &invited.family_name,
    };
    let min_length = tenant_rules::min_password_length(&tenant);
    password::check(&password, owner, min_length)
        .map_err(|code| Problem::field("/password", code))?;
    let password_hash = app.hasher.hash(password.expose()).await?;
    app.signer().await?;
    let accepted = (&token, password_hash.as_str());
    let outcome =
        activate_and_sign_in(&app, tenant, accepted, (&request, &headers, &device), now).await?;
    outcome.into_response(&app, &device, now).await
}

/// Finds the invited user while the invitation is valid.
async fn find_invited_user(
    app: &App,
    tenant: &Tenant,
    token: &Opaque<OneTimeToken>,
    now: DateTime<Utc>,
) -> Result<UserRow> {
    let mut tx = app.db.begin(tenant.id, Actor::EXTERNAL).await?;
    let live = one_time_tokens::find_token(&mut tx, token, TokenPurpose::Invite, now)
        .await?
        .ok_or_else(invalid)?;
    check_writable(tenant)?;
    let user = users::find_user(&mut tx, access::Reach::All, live.user, false).await?;
    tx.commit().await?;
    user.filter(|user| user.status == UserStatus::Invited)
        .ok_or_else(invalid)
}

async fn activate_and_sign_in(
    app: &App,
    tenant: Arc<Tenant>,
    (token, password_hash): (&Opaque<OneTimeToken>, &str),
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<SignInOutcome> {
    let mut tx = app.db.begin(tenant.id, Actor::EXTERNAL).await?;
    let opened = one_time_tokens::use_token(&mut tx, token, TokenPurpose::Invite, now)
        .await?
        .ok_or_else(invalid)?;
    if !accounts::activate_user(&mut tx, opened.user, password_hash, now).await? {
        return Err(invalid());
    }
    one_time_tokens::void_tokens(&mut tx, opened.user, now).await?;
    let user = users::find_user(&mut tx, access::Reach::All, opened.user, false)
        .await?
        .ok_or_else(invalid)?;
    set_caller(request, &tenant, user.id, &user.locale);
    let data = json!({"user_id": user.id});
    announce(
        &mut tx,
        request,
        now,
        &USER_ACTIVATED,
        (user.id, user.version),
        data,
    )
    .await?;
    let entry = audit::Entry::new("identity.user.activated", "user", user.id)
        .change("status", "invited", "active");
    audit::record(&mut tx, request, now, None, entry).await?;
    let outcome = complete_first_factor(
        app,
        &mut tx,
        (tenant, user),
        AuthMethod::Invite,
        (request, headers, device),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(outcome)
}

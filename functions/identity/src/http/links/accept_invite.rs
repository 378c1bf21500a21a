//! Accepting an invitation.

use std::sync::Arc;

use access::{Tenant, audit, opaque::Opaque};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use http::HeaderMap;
use ids::OneTimeToken;
use serde_json::json;
use web::{SingleLine, Problem, RequestInfo, ValidJson, problem::Result};

use super::one_time_link::{self, GivenToken};
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
        account::register::EXTERNAL,
        announce,
        sessions::{cookie::RefreshMode, session::Device},
        sign_in::first_factor::{Entered, Proof, SignInAnswer, enter},
        tenant::{check_changeable, find_living, introduce},
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
        /// It works once.
        pub token: GivenToken,
        /// The password from now on.
        pub password: NewPassword,
        /// Where the refresh token goes: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// How the person calls this device.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

fn invalid() -> Problem {
    unauthorized(&INVALID_TOKEN)
}

/// Accept an invitation: choose a password, and be signed in.
///
/// A password that is not good enough does not use the invitation up.
#[utoipa::path(
    post,
    path = "/auth/invite/accept",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = SignInAnswer, description = "The account is active, and signed in."))
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
    let token = one_time_link::parse(&token)?;
    let tenant = find_living(&app, token.tenant).await?.ok_or_else(invalid)?;
    device.check_page(&app, &headers, Some(tenant.id)).await?;
    let invited = find_invited(&app, &tenant, &token, now).await?;
    let owner = Owner {
        email: &invited.email,
        given_name: &invited.given_name,
        family_name: &invited.family_name,
    };
    let min_length = tenant_rules::min_password_length(&tenant);
    password::check(&password, owner, min_length).map_err(password::refused)?;
    let password_hash = app.hasher.hash(password.expose()).await?;
    app.signer().await?;
    let accepted = (&token, password_hash.as_str());
    let entered = accept(&app, tenant, accepted, (&request, &headers, &device), now).await?;
    entered.answer(&app, &device, now).await
}

/// Whom the invitation is for, as long as it is good.
async fn find_invited(
    app: &App,
    tenant: &Tenant,
    token: &Opaque<OneTimeToken>,
    now: DateTime<Utc>,
) -> Result<UserRow> {
    let mut tx = app.db.begin(tenant.id, EXTERNAL).await?;
    let live = one_time_tokens::find_token(&mut tx, token, TokenPurpose::Invite, now)
        .await?
        .ok_or_else(invalid)?;
    check_changeable(tenant)?;
    let user = users::find_user(&mut tx, access::Reach::All, live.user, false).await?;
    tx.commit().await?;
    user.filter(|user| user.status == UserStatus::Invited)
        .ok_or_else(invalid)
}

async fn accept(
    app: &App,
    tenant: Arc<Tenant>,
    (token, password_hash): (&Opaque<OneTimeToken>, &str),
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Entered> {
    let mut tx = app.db.begin(tenant.id, EXTERNAL).await?;
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
    introduce(request, &tenant, user.id, &user.locale);
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
    let entered = enter(
        app,
        &mut tx,
        (tenant, user),
        Proof::Invite,
        (request, headers, device),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(entered)
}

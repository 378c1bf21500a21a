//! Exchanges the code of a sign-in for tokens.

use axum::{extract::State, response::Response};
use db::Actor;
use http::HeaderMap;
use web::{RequestInfo, SingleLine, ValidJson, fields::Secret, problem::Result};

use super::flow::{CodeInput, parse_code};
use crate::{
    App,
    domain::status::UserStatus,
    error::{INVALID_SIGN_IN_CODE, unauthorized},
    http::{
        sessions::{
            cookie::RefreshMode,
            session::{Device, TokenAnswer},
        },
        sign_in::first_factor::{AuthMethod, complete_first_factor},
        tenant::{find_open_tenant, set_caller},
    },
    store::{accounts, oauth_flows, users},
};

web::body! {
    /// The code from the redirect.
    pub struct RedeemSignIn {
        /// Code from the redirect. It is valid for one minute, once.
        pub code: CodeInput,
        /// The secret behind the `code_challenge`; required if the sign-in began with one.
        pub code_verifier: Option<Secret<43, 128>>,
        /// How the refresh token is returned: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// Name of this device, as shown in the list of sessions.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

/// Redeem the code of a provider sign-in
///
/// Exchanges the code from the redirect for tokens and creates a session. The code can be used once, within one minute.
#[utoipa::path(
    post,
    path = "/auth/oauth/token",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "Signed in; the tokens of the new session."))
)]
pub(crate) async fn redeem_sign_in(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<RedeemSignIn>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let invalid = || unauthorized(&INVALID_SIGN_IN_CODE);
    let RedeemSignIn {
        code,
        code_verifier,
        refresh,
        device_name,
    } = body.value;
    let device = Device {
        mode: refresh.unwrap_or_default(),
        name: device_name,
    };
    let code = parse_code(&code)?;
    let tenant = find_open_tenant(&app, code.tenant)
        .await?
        .ok_or_else(invalid)?;
    device.check_page(&app, &headers, Some(tenant.id)).await?;
    // Before the code is used up: no session can be created without a signing key.
    app.signer().await?;
    let mut tx = app.db.begin(tenant.id, Actor::EXTERNAL).await?;
    let verifier = code_verifier.as_ref().map(Secret::expose);
    let user = oauth_flows::redeem_sign_in(&mut tx, &code, verifier, now)
        .await?
        .ok_or_else(invalid)?;
    if !accounts::lock_account_shared(&mut tx, user, None).await? {
        return Err(invalid());
    }
    let user = users::find_user(&mut tx, access::Reach::All, user, false)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(invalid)?;
    set_caller(&request, &tenant, user.id, &user.locale);
    let outcome = complete_first_factor(
        &app,
        &mut tx,
        (tenant, user),
        AuthMethod::External,
        (&request, &headers, &device),
        now,
    )
    .await?;
    tx.commit().await?;
    outcome.into_response(&app, &device, now).await
}

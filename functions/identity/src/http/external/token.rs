//! The page redeems its code.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use web::{SingleLine, RequestInfo, ValidJson, fields::Secret, problem::Result};

use super::flow::{GivenCode, parse_code};
use crate::{
    App,
    domain::status::UserStatus,
    error::{INVALID_SIGN_IN_CODE, unauthorized},
    http::{
        account::register::EXTERNAL,
        sessions::{
            cookie::RefreshMode,
            session::{Device, TokenAnswer},
        },
        sign_in::first_factor::{Proof, enter},
        tenant::{find_living, introduce},
    },
    store::{accounts, oauth_flows, users},
};

web::body! {
    /// The code with which the browser came back.
    pub struct RedeemSignIn {
        /// It works once, for a minute.
        pub code: GivenCode,
        /// The secret behind the `code_challenge` with which the sign-in began.
        pub code_verifier: Option<Secret<43, 128>>,
        /// Where the refresh token goes: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// How the person calls this device.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

/// Redeem the code of a sign-in by way of a provider for tokens.
#[utoipa::path(
    post,
    path = "/auth/oauth/token",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "Signed in."))
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
    let tenant = find_living(&app, code.tenant).await?.ok_or_else(invalid)?;
    device.check_page(&app, &headers, Some(tenant.id)).await?;
    // Before the code is used up: without a key that signs there is no session.
    app.signer().await?;
    let mut tx = app.db.begin(tenant.id, EXTERNAL).await?;
    let verifier = code_verifier.as_ref().map(Secret::expose);
    let user = oauth_flows::redeem_sign_in(&mut tx, &code, verifier, now)
        .await?
        .ok_or_else(invalid)?;
    if !accounts::hold_account(&mut tx, user, None).await? {
        return Err(invalid());
    }
    let user = users::find_user(&mut tx, access::Reach::All, user, false)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(invalid)?;
    introduce(&request, &tenant, user.id, &user.locale);
    let entered = enter(
        &app,
        &mut tx,
        (tenant, user),
        Proof::External,
        (&request, &headers, &device),
        now,
    )
    .await?;
    tx.commit().await?;
    entered.answer(&app, &device, now).await
}

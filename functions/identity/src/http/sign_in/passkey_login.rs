//! Signs in with a passkey alone, which is possession and verifies the user by biometrics or a PIN.

use access::opaque::Opaque;
use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::Actor;
use http::HeaderMap;
use ids::{PasskeyChallenge, PasskeyChallengeId};
use web::{Problem, RequestInfo, SingleLine, Slug, ValidJson, problem::Result};

use super::first_factor::{SignInOutcome, issue_session};
use crate::{
    App,
    domain::{factor::FactorMethod, status::UserStatus},
    error::{PASSKEY_REFUSED, unauthorized},
    http::{
        factors::{
            passkey_assertion::{DecodedAssertion, PasskeyAssertion},
            passkeys::PasskeyOptions,
            relying_party,
        },
        sessions::{
            cookie::{self, RefreshMode},
            session::{Device, TokenAnswer},
        },
        tenant::{NIL_TENANT, find_open_tenant, find_tenant, set_caller},
    },
    store::{accounts, passkeys, users},
};

web::body! {
    /// The organisation to sign in to.
    pub struct StartPasskeyLogin {
        /// Slug of the organisation. If omitted, the domain of the page or host determines it.
        pub tenant: Option<Slug>,
    }
    example { "tenant": "demo" }
}

web::body! {
    /// The authenticator's response, and how the client receives its refresh token.
    pub struct PasskeyLogin {
        /// The authenticator's response.
        pub passkey: PasskeyAssertion,
        /// How the refresh token is returned: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// Name of this device, as shown in the list of sessions.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

fn passkey_refused() -> Problem {
    unauthorized(&PASSKEY_REFUSED)
}

/// Start a passkey sign-in
///
/// Returns the options for the browser's `WebAuthn` API. Unknown organisations get options too, so the response does not reveal
/// whether an organisation exists.
#[utoipa::path(
    post,
    path = "/auth/passkeys/login/options",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = PasskeyOptions, description = "The options for the authenticator."))
)]
pub(crate) async fn start_passkey_login(
    State(app): State<App>,
    headers: HeaderMap,
    body: ValidJson<StartPasskeyLogin>,
) -> Result<Json<PasskeyOptions>> {
    let now = app.state.clock().now();
    let tenant = find_tenant(&app, &headers, body.value.tenant.as_ref()).await?;
    let id = tenant.as_ref().map(|tenant| tenant.id);
    cookie::check_page(&app.state, &headers, id).await?;
    let ttl = app.settings.mfa_challenge_ttl;
    let challenge =
        Opaque::<PasskeyChallenge>::generate(id.unwrap_or(NIL_TENANT), PasskeyChallengeId::at(now));
    if let Some(id) = id {
        let mut tx = app.db.begin(id, Actor::SYSTEM).await?;
        let times = (now, now + ttl);
        passkeys::insert_passkey_challenge(&mut tx, &challenge, None, times).await?;
        tx.commit().await?;
    }
    let public_key = relying_party::request_options(
        &relying_party::rp_id_of_request(&app, &headers),
        &challenge.to_text(),
        &[],
        "required",
        ttl.num_milliseconds(),
    );
    Ok(Json(PasskeyOptions {
        public_key,
        expires_at: now + ttl,
    }))
}

/// Sign in with a passkey
///
/// Takes the authenticator's response to the options from `POST /auth/passkeys/login/options`. A passkey counts as both factors.
#[utoipa::path(
    post,
    path = "/auth/passkeys/login",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "Signed in; the tokens of the new session."))
)]
pub(crate) async fn login_with_passkey(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<PasskeyLogin>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let PasskeyLogin {
        passkey,
        refresh,
        device_name,
    } = body.value;
    let device = Device {
        mode: refresh.unwrap_or_default(),
        name: device_name,
    };
    let assertion = DecodedAssertion::parse(&passkey).ok_or_else(passkey_refused)?;
    let challenge =
        relying_party::parse_challenge(&assertion.client_data).ok_or_else(passkey_refused)?;
    device
        .check_page(&app, &headers, Some(challenge.tenant))
        .await?;
    app.signer().await?;
    let from = (&request, &headers, &device);
    let outcome = complete_passkey_login(&app, (&assertion, &challenge), from, now).await?;
    outcome.into_response(&app, &device, now).await
}

async fn complete_passkey_login(
    app: &App,
    (assertion, challenge): (&DecodedAssertion, &Opaque<PasskeyChallenge>),
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<SignInOutcome> {
    let tenant = find_open_tenant(app, challenge.tenant)
        .await?
        .ok_or_else(passkey_refused)?;
    let rp_id = assertion
        .find_rp_id(app, tenant.id)
        .await?
        .ok_or_else(passkey_refused)?;
    let mut tx = app.db.begin(tenant.id, Actor::SYSTEM).await?;
    if !passkeys::use_passkey_challenge(&mut tx, challenge, None, now).await? {
        return Err(passkey_refused());
    }
    let bytes = relying_party::challenge_bytes(challenge);
    let passkey = assertion
        .use_passkey(&mut tx, &bytes, (&rp_id, true), now)
        .await?
        .ok_or_else(passkey_refused)?;
    if !accounts::lock_account_shared(&mut tx, passkey.user, None).await? {
        return Err(passkey_refused());
    }
    let user = users::find_user(&mut tx, access::Reach::All, passkey.user, false)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(passkey_refused)?;
    set_caller(request, &tenant, user.id, &user.locale);
    let amr = FactorMethod::Passkey.extend_amr(Vec::new());
    let from = (request, headers, device);
    let outcome = issue_session(app, &mut tx, (tenant, user), amr, from, now).await?;
    tx.commit().await?;
    Ok(outcome)
}

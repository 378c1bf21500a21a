//! Signs in with a passkey alone, which is possession and verifies the user by biometrics or a PIN.

use crate::ids::PasskeyChallenge;
use crate::ids::PasskeyChallengeId;
use access::opaque::Opaque;
use axum::{Json, extract::State, response::Response};
use db::Actor;
use events::UnitOfWork;
use http::HeaderMap;
use web::{Problem, RequestInfo, SingleLine, Slug, ValidJson, problem::Result};

use super::{client::Client, flow::Authentication};
use crate::{
    App,
    domain::{factor::FactorMethod, webauthn::Expected},
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
        tenant::{NIL_TENANT, find_open_tenant, find_tenant},
    },
    store::{accounts, passkeys},
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
    request: RequestInfo,
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
        let mut unit = UnitOfWork::begin_anonymous(&app, &request, id, Actor::SYSTEM).await?;
        passkeys::insert_passkey_challenge(&mut unit, &challenge, None, now + ttl).await?;
        unit.commit().await?;
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
    let PasskeyLogin {
        passkey,
        refresh,
        device_name,
    } = body.value;
    let device = Device::new(refresh, device_name);
    let client = Client::new(&app, &request, &headers, device);
    let assertion = DecodedAssertion::parse(&passkey).ok_or_else(passkey_refused)?;
    let challenge =
        relying_party::parse_challenge(&assertion.client_data).ok_or_else(passkey_refused)?;
    client.check_page(Some(challenge.tenant)).await?;
    let tenant = find_open_tenant(&app, challenge.tenant)
        .await?
        .ok_or_else(passkey_refused)?;
    let rp_id = assertion
        .find_rp_id(&app, tenant.id)
        .await?
        .ok_or_else(passkey_refused)?;
    let sign_in = client.sign_in_to(tenant).await?;
    let mut unit = sign_in.begin(Actor::SYSTEM).await?;
    if !passkeys::use_passkey_challenge(&mut unit, &challenge, None).await? {
        return Err(passkey_refused());
    }
    let expected = Expected {
        challenge: &relying_party::challenge_bytes(&challenge),
        rp_id: &rp_id,
        verified: true,
    };
    let passkey = assertion
        .use_passkey(&mut unit, expected)
        .await?
        .ok_or_else(passkey_refused)?;
    if !accounts::lock_account_shared(&mut unit, passkey.user, None).await? {
        return Err(passkey_refused());
    }
    let user = sign_in
        .load_user(&mut unit, passkey.user)
        .await?
        .ok_or_else(passkey_refused)?;
    let amr = FactorMethod::Passkey.extend_amr(Vec::new());
    let authentication = Authentication::AllFactors(amr);
    sign_in.finish(unit, user, authentication).await
}

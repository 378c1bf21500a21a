//! Signing in with a passkey alone: it is something that one has, and it asks for a finger, a face or a PIN.

use access::opaque::Opaque;
use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::Actor;
use http::HeaderMap;
use ids::{PasskeyChallenge, PasskeyChallengeId};
use web::{SingleLine, Problem, RequestInfo, Slug, ValidJson, problem::Result};

use super::first_factor::{Entered, admit};
use crate::{
    App,
    domain::{factor::FactorMethod, status::UserStatus},
    error::{PASSKEY_REFUSED, unauthorized},
    http::{
        factors::{
            passkey_assertion::{PasskeyAssertion, Presented},
            passkeys::PasskeyOptions,
            relying_party,
        },
        sessions::{
            cookie::{self, RefreshMode},
            session::{Device, TokenAnswer},
        },
        tenant::{NOBODYS, find_living, find_tenant, introduce},
    },
    store::{accounts, passkeys, users},
};

web::body! {
    /// Where somebody signs in.
    pub struct StartPasskeyLogin {
        /// The organisation's slug; without it the page's or the host's domain tells.
        pub tenant: Option<Slug>,
    }
    example { "tenant": "demo" }
}

web::body! {
    /// The authenticator's answer, and how the client keeps its refresh token.
    pub struct PasskeyLogin {
        /// What the authenticator answered.
        pub passkey: PasskeyAssertion,
        /// Where the refresh token goes: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// How the person calls this device.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

fn refused() -> Problem {
    unauthorized(&PASSKEY_REFUSED)
}

/// Begin to sign in with a passkey. Unknown organisations get options too.
#[utoipa::path(
    post,
    path = "/auth/passkeys/login/options",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = PasskeyOptions, description = "What to ask the authenticator."))
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
    let patience = app.settings.factor_patience;
    let challenge =
        Opaque::<PasskeyChallenge>::generate(id.unwrap_or(NOBODYS), PasskeyChallengeId::at(now));
    if let Some(id) = id {
        let mut tx = app.db.begin(id, Actor::SYSTEM).await?;
        let times = (now, now + patience);
        passkeys::insert_passkey_challenge(&mut tx, &challenge, None, times).await?;
        tx.commit().await?;
    }
    let public_key = relying_party::request_options(
        &relying_party::of_request(&app, &headers),
        &challenge.to_text(),
        &[],
        "required",
        patience.num_milliseconds(),
    );
    Ok(Json(PasskeyOptions {
        public_key,
        expires_at: now + patience,
    }))
}

/// Sign in with a passkey. It proves both factors at once.
#[utoipa::path(
    post,
    path = "/auth/passkeys/login",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "Signed in."))
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
    let presented = Presented::read(&passkey).ok_or_else(refused)?;
    let challenge = relying_party::challenge_of(&presented.client_data).ok_or_else(refused)?;
    device
        .check_page(&app, &headers, Some(challenge.tenant))
        .await?;
    app.signer().await?;
    let from = (&request, &headers, &device);
    let entered = finish(&app, (&presented, &challenge), from, now).await?;
    entered.answer(&app, &device, now).await
}

async fn finish(
    app: &App,
    (presented, challenge): (&Presented, &Opaque<PasskeyChallenge>),
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Entered> {
    let tenant = find_living(app, challenge.tenant)
        .await?
        .ok_or_else(refused)?;
    let rp_id = presented.page(app, tenant.id).await?.ok_or_else(refused)?;
    let mut tx = app.db.begin(tenant.id, Actor::SYSTEM).await?;
    if !passkeys::use_passkey_challenge(&mut tx, challenge, None, now).await? {
        return Err(refused());
    }
    let bytes = relying_party::bytes_of(challenge);
    let passkey = presented
        .use_passkey(&mut tx, &bytes, (&rp_id, true), now)
        .await?
        .ok_or_else(refused)?;
    if !accounts::hold_account(&mut tx, passkey.user, None).await? {
        return Err(refused());
    }
    let user = users::find_user(&mut tx, access::Reach::All, passkey.user, false)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(refused)?;
    introduce(request, &tenant, user.id, &user.locale);
    let amr = FactorMethod::Passkey.added_to(Vec::new());
    let from = (request, headers, device);
    let entered = admit(app, &mut tx, (tenant, user), amr, from, now).await?;
    tx.commit().await?;
    Ok(entered)
}

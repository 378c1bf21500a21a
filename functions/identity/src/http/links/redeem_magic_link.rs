//! Signs in with a link.

use access::{opaque, opaque::Opaque};
use axum::{extract::State, response::Response};
use db::Actor;
use events::UnitOfWork;
use http::HeaderMap;
use ids::OneTimeToken;
use web::{Problem, RequestInfo, SingleLine, ValidJson, problem::Result};

use super::one_time_link::{self, TokenInput};
use crate::{
    App,
    domain::{
        link_binding::{Binding, BindingKind},
        tenant_rules,
    },
    error::{INVALID_TOKEN, LINK_CODE_REQUIRED, OTHER_BROWSER, unauthorized},
    http::{
        sessions::{
            cookie::{self, RefreshMode},
            session::{Device, TokenAnswer},
        },
        sign_in::{
            client::Client,
            first_factor::AuthMethod,
            flow::{Authentication, SignIn},
        },
        tenant::find_open_tenant,
    },
    store::{
        accounts,
        one_time_tokens::{self, LiveToken, TokenPurpose},
    },
};

web::body! {
    /// The token from a sign-in link, with the code that was shown when it was requested.
    pub struct RedeemMagicLink {
        /// Token from the link. It can be used once.
        pub token: TokenInput,
        /// Six-digit code. Not needed in the browser that has the cookie.
        pub code: Option<SingleLine<1, 20>>,
        /// How the refresh token is returned: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// Name of this device, as shown in the list of sessions.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

fn invalid() -> Problem {
    unauthorized(&INVALID_TOKEN)
}

/// Sign in with a link
///
/// The link can be used once, even by concurrent requests. A missing code or a different browser does not use it up; after five
/// incorrect codes it is no longer valid.
#[utoipa::path(
    post,
    path = "/auth/magic-link/redeem",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "Signed in; the tokens of the new session."))
)]
pub(crate) async fn redeem_magic_link(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<RedeemMagicLink>,
) -> Result<Response> {
    let RedeemMagicLink {
        token,
        code,
        refresh,
        device_name,
    } = body.value;
    let device = Device::new(refresh, device_name);
    let client = Client::new(&app, &request, &headers, device);
    let token = one_time_link::parse_token(&token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    client.check_page(Some(tenant.id)).await?;
    if !tenant_rules::allows_magic_links(&tenant) {
        return Err(invalid());
    }
    let sign_in = client.sign_in_to(tenant).await?;
    let presented = PresentedBinding {
        cookie: cookie::read_link_cookie(&app.state, &headers),
        code: code.as_ref().map(SingleLine::as_str),
    };
    redeem(&sign_in, &token, presented).await
}

/// What was presented together with the token.
#[derive(Clone, Copy)]
struct PresentedBinding<'a> {
    cookie: Option<&'a str>,
    code: Option<&'a str>,
}

async fn redeem(
    sign_in: &SignIn<'_>,
    token: &Opaque<OneTimeToken>,
    presented: PresentedBinding<'_>,
) -> Result<Response> {
    let purpose = TokenPurpose::MagicLink;
    let mut unit = sign_in.begin(Actor::EXTERNAL).await?;
    let token_row = one_time_tokens::find_token(&mut unit, token, purpose)
        .await?
        .ok_or_else(invalid)?;
    // Lock the account first, in the same order as changes to it; then re-read the link under the lock.
    if !accounts::lock_account_shared(&mut unit, token_row.user, None).await? {
        return Err(invalid());
    }
    one_time_tokens::lock_token(&mut unit, token).await?;
    let live = one_time_tokens::find_token(&mut unit, token, purpose)
        .await?
        .ok_or_else(invalid)?;
    let mut unit = check_binding(unit, token, &live, presented).await?;
    let redeemed = one_time_tokens::use_token(&mut unit, token, purpose)
        .await?
        .ok_or_else(invalid)?;
    let user = sign_in
        .load_user(&mut unit, redeemed.user)
        .await?
        .ok_or_else(invalid)?;
    let authentication = Authentication::FirstFactor(AuthMethod::MagicLink);
    sign_in.finish(unit, user, authentication).await
}

/// Returns the unit of work if the binding was satisfied. An incorrect code is counted and committed although the request is refused.
async fn check_binding(
    mut unit: UnitOfWork,
    token: &Opaque<OneTimeToken>,
    live: &LiveToken,
    presented: PresentedBinding<'_>,
) -> Result<UnitOfWork> {
    let kind = live.binding.ok_or_else(invalid)?;
    let stored = live.binding_hash.as_deref().unwrap_or_default();
    let text = match kind {
        BindingKind::Browser => presented.cookie,
        BindingKind::Code => presented.code,
    };
    let right = text.is_some_and(|text| {
        opaque::constant_time_eq(&Binding::from_input(kind, text).hash(&token.secret), stored)
    });
    match kind {
        _ if right => Ok(unit),
        BindingKind::Browser => Err(OTHER_BROWSER.problem()),
        BindingKind::Code => {
            if text.is_some() {
                one_time_tokens::record_failed_code(&mut unit, token).await?;
                unit.commit().await?;
            }
            Err(LINK_CODE_REQUIRED.problem())
        }
    }
}

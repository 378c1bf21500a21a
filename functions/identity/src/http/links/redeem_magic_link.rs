//! Signing in with a link.

use std::sync::Arc;

use access::{Tenant, opaque, opaque::Opaque};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::TenantTx;
use http::HeaderMap;
use ids::OneTimeToken;
use web::{SingleLine, Problem, RequestInfo, ValidJson, problem::Result};

use super::one_time_link::{self, GivenToken};
use crate::{
    App,
    domain::{
        link_binding::{Binding, BindingKind},
        tenant_rules,
    },
    error::{INVALID_TOKEN, LINK_CODE_REQUIRED, OTHER_BROWSER, unauthorized},
    http::{
        account::register::EXTERNAL,
        sessions::{
            cookie::{self, RefreshMode},
            session::{Device, TokenAnswer},
        },
        sign_in::first_factor::{Entered, Proof, enter},
        tenant::{find_living, introduce},
    },
    store::{
        accounts,
        one_time_tokens::{self, LiveToken, TokenPurpose},
        users,
    },
};

web::body! {
    /// The token of a link, and the code that was shown where it was asked for.
    pub struct RedeemMagicLink {
        /// It works once.
        pub token: GivenToken,
        /// Six digits; not needed in the browser that has the cookie.
        pub code: Option<SingleLine<1, 20>>,
        /// Where the refresh token goes: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// How the person calls this device.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

fn invalid() -> Problem {
    unauthorized(&INVALID_TOKEN)
}

/// Sign in with the link of a mail.
///
/// Of two who try at the same time one gets in. A missing code or another browser does not use the link up; after five wrong
/// codes it is worthless.
#[utoipa::path(
    post,
    path = "/auth/magic-link/redeem",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "Signed in."))
)]
pub(crate) async fn redeem_magic_link(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<RedeemMagicLink>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let RedeemMagicLink {
        token,
        code,
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
    if !tenant_rules::offers_magic_links(&tenant) {
        return Err(invalid());
    }
    app.signer().await?;
    let shown = Shown {
        cookie: cookie::read_link(&app.state, &headers),
        code: code.as_ref().map(SingleLine::as_str),
    };
    let client = (&request, &headers, &device);
    let entered = redeem(&app, tenant, (&token, shown), client, now).await?;
    entered.answer(&app, &device, now).await
}

/// What came beside the token.
#[derive(Clone, Copy)]
struct Shown<'a> {
    cookie: Option<&'a str>,
    code: Option<&'a str>,
}

async fn redeem(
    app: &App,
    tenant: Arc<Tenant>,
    (token, shown): (&Opaque<OneTimeToken>, Shown<'_>),
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Entered> {
    let purpose = TokenPurpose::MagicLink;
    let mut tx = app.db.begin(tenant.id, EXTERNAL).await?;
    let found = one_time_tokens::find_token(&mut tx, token, purpose, now)
        .await?
        .ok_or_else(invalid)?;
    // The account first, as whoever changes it does; then the link as it is once nobody else holds it.
    if !accounts::hold_account(&mut tx, found.user, None).await? {
        return Err(invalid());
    }
    one_time_tokens::lock_token(&mut tx, token).await?;
    let live = one_time_tokens::find_token(&mut tx, token, purpose, now)
        .await?
        .ok_or_else(invalid)?;
    let mut tx = check_binding(tx, (token, &live), shown, now).await?;
    let opened = one_time_tokens::use_token(&mut tx, token, purpose, now)
        .await?
        .ok_or_else(invalid)?;
    let user = users::find_user(&mut tx, access::Reach::All, opened.user, false)
        .await?
        .ok_or_else(invalid)?;
    introduce(request, &tenant, user.id, &user.locale);
    let client = (request, headers, device);
    let entered = enter(app, &mut tx, (tenant, user), Proof::MagicLink, client, now).await?;
    tx.commit().await?;
    Ok(entered)
}

/// Gives the transaction back when the right thing was shown. A wrong code is counted although the answer is a refusal.
async fn check_binding(
    mut tx: TenantTx,
    (token, live): (&Opaque<OneTimeToken>, &LiveToken),
    shown: Shown<'_>,
    now: DateTime<Utc>,
) -> Result<TenantTx> {
    let kind = live.binding.ok_or_else(invalid)?;
    let stored = live.binding_hash.as_deref().unwrap_or_default();
    let text = match kind {
        BindingKind::Browser => shown.cookie,
        BindingKind::Code => shown.code,
    };
    let right = text
        .is_some_and(|text| opaque::constant_time_eq(&Binding::given(kind, text).hash(&token.secret), stored));
    match kind {
        _ if right => Ok(tx),
        BindingKind::Browser => Err(OTHER_BROWSER.problem()),
        BindingKind::Code => {
            if text.is_some() {
                one_time_tokens::note_failure(&mut tx, token, now).await?;
                tx.commit().await?;
            }
            Err(LINK_CODE_REQUIRED.problem())
        }
    }
}

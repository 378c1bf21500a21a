//! Requests a link that signs in.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Accepted, RequestInfo, ValidJson, problem::Result};

use super::{
    mail_request::{AskForMail, check_mail_request, constant_time_response, send_link_to_account},
    one_time_link::Link,
};
use crate::{
    App,
    domain::{
        link_binding::{Binding, BindingKind},
        status::UserStatus,
        tenant_rules,
    },
    events::MagicLinkRequested,
    http::sessions::cookie,
    store::{accounts::Account, one_time_tokens::TokenPurpose},
};

/// Confirms the request. The response is the same whether or not the account exists.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MagicLinkAsked)]
pub(crate) struct MagicLinkAccepted {
    /// Always `check_mail`.
    #[schema(example = "check_mail")]
    status: &'static str,
    /// Code to show to the user, who enters it where the link is opened. Null if the link is bound to this browser by a cookie.
    #[schema(example = "204518")]
    code: Option<String>,
}

/// Request a sign-in link
///
/// Sends an email with a link that is valid for 15 minutes, can be used once and replaces earlier ones. Pages of the same site
/// receive a cookie, and the link works only in that browser; other clients receive a code that must be entered with the link.
/// The response and its timing are the same whether or not the account exists.
#[utoipa::path(
    post,
    path = "/auth/magic-link",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 202, body = MagicLinkAccepted, description = "If the account exists, an email with a link is sent."))
)]
pub(crate) async fn request_magic_link(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<AskForMail>,
) -> Result<Response> {
    let ask = body.value;
    let binding = if cookie::keeps_cookies(&headers) {
        Binding::to_browser(cookie::read_link_cookie(&app.state, &headers))
    } else {
        Binding::to_code()
    };
    let lifetime = app.settings.magic_link_lifetime;
    constant_time_response(&app, async {
        let tenant =
            check_mail_request(&app, &request, &headers, ask.tenant.as_ref(), &ask.email).await?;
        let offered = tenant
            .as_deref()
            .is_some_and(tenant_rules::allows_magic_links);
        let link = Link {
            binding: Some(&binding),
            ..Link::new(TokenPurpose::MagicLink, lifetime)
        };
        send_link_to_account(
            &app,
            &request,
            tenant.as_deref(),
            &ask.email,
            |account: &Account| offered && account.status == UserStatus::Active,
            link,
            MagicLinkRequested::from,
        )
        .await
    })
    .await?;
    let shown = binding.kind == BindingKind::Code;
    let mut response = Accepted(MagicLinkAccepted {
        status: "check_mail",
        code: shown.then(|| binding.text().to_owned()),
    })
    .into_response();
    if !shown {
        let set_cookie = cookie::set_link_cookie(&app.state, binding.text(), lifetime)?;
        response
            .headers_mut()
            .append(header::SET_COOKIE, set_cookie);
    }
    Ok(response)
}

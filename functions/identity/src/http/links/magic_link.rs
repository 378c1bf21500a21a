//! Asking for a link that signs in.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Accepted, RequestInfo, ValidJson, problem::Result};

use super::{
    mail_request::{AskForMail, admit, at_a_step, send_link},
    one_time_link::Link,
};
use crate::{
    App,
    domain::{
        link_binding::{Binding, BindingKind},
        status::UserStatus,
        tenant_rules,
    },
    events::MAGIC_LINK_REQUESTED,
    http::sessions::cookie,
    store::{accounts::Account, one_time_tokens::TokenPurpose},
};

/// What everybody hears.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MagicLinkAsked {
    /// Always `check_mail`.
    #[schema(example = "check_mail")]
    status: &'static str,
    /// To be shown, and typed where the link is opened. Null when the link works in this browser alone, by a cookie.
    #[schema(example = "204518")]
    code: Option<String>,
}

/// Ask for a link that signs in.
///
/// Known and unknown addresses get the same answer after the same time; only the mail tells. The link is good for 15 minutes,
/// once, and only the newest one. A page of the same site gets a cookie, and the link works only in that browser; everybody else
/// gets a code that has to be typed where the link is opened.
#[utoipa::path(
    post,
    path = "/auth/magic-link",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 202, body = MagicLinkAsked, description = "If there is such an account, a mail with a link is on its way."))
)]
pub(crate) async fn request_magic_link(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<AskForMail>,
) -> Result<Response> {
    let ask = body.value;
    let binding = if cookie::can_keep(&headers) {
        Binding::to_browser(cookie::read_link(&app.state, &headers))
    } else {
        Binding::to_code()
    };
    let lifetime = app.settings.magic_link_lifetime;
    at_a_step(&app, async {
        let tenant = admit(&app, (&request, &headers), &ask).await?;
        let offered = tenant
            .as_deref()
            .is_some_and(tenant_rules::offers_magic_links);
        let wanted = |account: &Account| offered && account.status == UserStatus::Active;
        let link = Link {
            binding: Some(&binding),
            ..Link::plain(&MAGIC_LINK_REQUESTED, TokenPurpose::MagicLink, lifetime)
        };
        send_link(
            &app,
            &request,
            (tenant.as_deref(), &ask.email),
            wanted,
            link,
        )
        .await
    })
    .await?;
    let shown = binding.kind == BindingKind::Code;
    let mut response = Accepted(MagicLinkAsked {
        status: "check_mail",
        code: shown.then(|| binding.text().to_owned()),
    })
    .into_response();
    if !shown {
        let set_cookie = cookie::set_link(&app.state, binding.text(), lifetime)?;
        response
            .headers_mut()
            .append(header::SET_COOKIE, set_cookie);
    }
    Ok(response)
}

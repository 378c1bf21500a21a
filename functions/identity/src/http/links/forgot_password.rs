//! Asking for a new password.

use axum::extract::State;
use http::HeaderMap;
use web::{Accepted, RequestInfo, ValidJson, problem::Result};

use super::{
    mail_request::{AskForMail, CheckMail, admit, at_a_step, send_link},
    one_time_link::Link,
};
use crate::{
    App, domain::status::UserStatus, events::PASSWORD_RESET_REQUESTED,
    store::one_time_tokens::TokenPurpose,
};

/// Ask for a link by which a new password can be chosen.
///
/// Known and unknown addresses get the same answer after the same time; only the mail tells. The link is good for an hour, and
/// only the newest one.
#[utoipa::path(
    post,
    path = "/auth/password/forgot",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 202, body = CheckMail, description = "If there is such an account, a mail with a link is on its way."))
)]
pub(crate) async fn forgot_password(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<AskForMail>,
) -> Result<Accepted<CheckMail>> {
    let ask = body.value;
    at_a_step(&app, async {
        let tenant = admit(&app, (&request, &headers), &ask).await?;
        let link = Link::plain(
            &PASSWORD_RESET_REQUESTED,
            TokenPurpose::ResetPassword,
            app.settings.reset_lifetime,
        );
        let active =
            |account: &crate::store::accounts::Account| account.status == UserStatus::Active;
        send_link(
            &app,
            &request,
            (tenant.as_deref(), &ask.email),
            active,
            link,
        )
        .await
    })
    .await?;
    Ok(CheckMail::answer())
}

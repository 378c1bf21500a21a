//! Requests a link that resets the password.

use axum::extract::State;
use http::HeaderMap;
use web::{Accepted, RequestInfo, ValidJson, problem::Result};

use super::{
    mail_request::{
        AskForMail, MailAccepted, check_mail_request, constant_time_response, send_link_to_account,
    },
    one_time_link::Link,
};
use crate::{
    App,
    domain::status::UserStatus,
    events::PasswordResetRequested,
    store::{accounts::Account, one_time_tokens::TokenPurpose},
};

/// Request a password reset
///
/// Sends an email with a link that is valid for one hour and replaces earlier ones. The response and its timing are the same
/// whether or not the account exists.
#[utoipa::path(
    post,
    path = "/auth/password/forgot",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 202, body = MailAccepted, description = "If the account exists, an email with a link is sent."))
)]
pub(crate) async fn forgot_password(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<AskForMail>,
) -> Result<Accepted<MailAccepted>> {
    let ask = body.value;
    constant_time_response(&app, async {
        let tenant =
            check_mail_request(&app, &request, &headers, ask.tenant.as_ref(), &ask.email).await?;
        send_link_to_account(
            &app,
            &request,
            tenant.as_deref(),
            &ask.email,
            |account: &Account| account.status == UserStatus::Active,
            Link::new(TokenPurpose::ResetPassword, app.settings.reset_lifetime),
            PasswordResetRequested::from,
        )
        .await
    })
    .await?;
    Ok(MailAccepted::answer())
}

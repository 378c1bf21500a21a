//! Sends the verification link again.

use access::{Reach, Tenant};
use axum::extract::State;
use db::Actor;
use events::UnitOfWork;
use http::HeaderMap;
use web::{Accepted, RequestInfo, ValidJson, problem::Result};

use super::{
    mail_request::{AskForMail, MailAccepted, check_mail_request, constant_time_response},
    one_time_link::{self, Link},
};
use crate::{
    App,
    domain::status::UserStatus,
    events::VerificationRequested,
    http::tenant::NIL_TENANT,
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
        users,
    },
};

/// Resend the verification link
///
/// Sends the link of a registration again if the address has not been verified yet. The response and its timing are always the
/// same. After several registrations with different passwords nothing is sent; register again to get a link.
#[utoipa::path(
    post,
    path = "/auth/email/verify/resend",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 202, body = MailAccepted, description = "If the address is registered and not verified yet, an email with a link is sent."))
)]
pub(crate) async fn resend_verification(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<AskForMail>,
) -> Result<Accepted<MailAccepted>> {
    let ask = body.value;
    constant_time_response(&app, async {
        let tenant =
            check_mail_request(&app, &request, &headers, ask.tenant.as_ref(), &ask.email).await?;
        resend(&app, &request, tenant.as_deref(), &ask).await
    })
    .await?;
    Ok(MailAccepted::answer())
}

async fn resend(
    app: &App,
    request: &RequestInfo,
    tenant: Option<&Tenant>,
    ask: &AskForMail,
) -> Result<()> {
    let id = tenant.map_or(NIL_TENANT, |tenant| tenant.id);
    let mut unit = UnitOfWork::begin_anonymous(app, request, id, Actor::EXTERNAL).await?;
    let account = accounts::find_account(&mut unit, ask.email.as_str()).await?;
    let pending =
        account.filter(|account| account.registered && account.status == UserStatus::Invited);
    if let Some(account) = pending {
        let user = account.id;
        users::lock_user(&mut unit, Reach::All, user).await?;
        let passwords = one_time_tokens::list_registered_passwords(&mut unit, user).await?;
        // With several passwords it is unknown which one the owner of the address chose.
        if let [password_hash] = passwords.as_slice() {
            let purpose = TokenPurpose::VerifyEmail;
            one_time_tokens::void_tokens_for(&mut unit, user, purpose).await?;
            let link = Link {
                password_hash: Some(password_hash),
                ..Link::new(purpose, app.settings.verify_lifetime)
            };
            let event = VerificationRequested::from;
            one_time_link::send_link(app, &mut unit, user, account.version, link, event).await?;
        }
    }
    unit.commit().await
}

//! The link that proves an address, once more.

use access::Tenant;
use axum::extract::State;
use http::HeaderMap;
use web::{Accepted, RequestInfo, ValidJson, problem::Result};

use super::{
    mail_request::{AskForMail, CheckMail, admit, at_a_step},
    one_time_link::{self, Link},
};
use crate::{
    App,
    domain::status::UserStatus,
    events::VERIFICATION_REQUESTED,
    http::{account::register::EXTERNAL, tenant::NOBODYS},
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
        users,
    },
};

/// Ask again for the link that proves the address of a registration.
///
/// All get the same answer after the same time. Whoever registered several times with different passwords gets none: registering
/// once more sends a link that belongs to the password chosen then.
#[utoipa::path(
    post,
    path = "/auth/email/verify/resend",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 202, body = CheckMail, description = "If somebody registered with this address and has not proved it, a mail with a link is on its way."))
)]
pub(crate) async fn resend_verification(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<AskForMail>,
) -> Result<Accepted<CheckMail>> {
    let ask = body.value;
    at_a_step(&app, async {
        let tenant = admit(&app, (&request, &headers), &ask).await?;
        resend(&app, &request, tenant.as_deref(), &ask).await
    })
    .await?;
    Ok(CheckMail::answer())
}

async fn resend(
    app: &App,
    request: &RequestInfo,
    tenant: Option<&Tenant>,
    ask: &AskForMail,
) -> Result<()> {
    let now = app.state.clock().now();
    let id = tenant.map_or(NOBODYS, |tenant| tenant.id);
    let mut tx = app.db.begin(id, EXTERNAL).await?;
    let account = accounts::find_account(&mut tx, ask.email.as_str()).await?;
    let waiting =
        account.filter(|account| account.registered && account.status == UserStatus::Invited);
    if let Some(account) = waiting {
        users::lock_user(&mut tx, access::Reach::All, account.id).await?;
        let passwords = one_time_tokens::list_registered_passwords(&mut tx, account.id).await?;
        // Of several, nobody knows which is the owner's and which a stranger's.
        if let [password_hash] = passwords.as_slice() {
            let purpose = TokenPurpose::VerifyEmail;
            one_time_tokens::void_tokens_for(&mut tx, account.id, purpose, now).await?;
            let lifetime = app.settings.verify_lifetime;
            let link = Link {
                password_hash: Some(password_hash),
                ..Link::plain(&VERIFICATION_REQUESTED, purpose, lifetime)
            };
            let user = (account.id, account.version);
            one_time_link::send(app, &mut tx, request, user, link, now).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

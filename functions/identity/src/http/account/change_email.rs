//! Requests a change of the signed-in user's email address.

use access::{Anyone, Caller, audit};
use axum::extract::State;
use db::Actor;
use web::{Accepted, Email, ValidJson, problem::Result};

use super::current_password;
use crate::{
    App,
    domain::password::PasswordInput,
    events::EMAIL_CHANGE_REQUESTED,
    http::links::{
        mail_request::{MailAccepted, constant_time_response},
        one_time_link::{self, Link},
    },
    store::{
        one_time_tokens::{self, TokenPurpose},
        users,
    },
};

web::body! {
    /// The new email address, confirmed with the password.
    pub struct ChangeEmail {
        /// New email address. The confirmation link is sent there.
        pub email: Email,
        /// The current password.
        pub password: PasswordInput,
    }
    example { "email": "ada.lovelace@example.org", "password": "correct horse battery staple" }
}

/// Request a change of your email address
///
/// Sends a link to the new address and a notice to the current one, which stays active until the link is opened. If another
/// account already uses the new address, only the person who opens the link learns that.
#[utoipa::path(post, path = "/auth/email/change", responses((status = 202, body = MailAccepted, description = "An email with a link is sent to the new address.")))]
pub(crate) async fn change_email(
    State(app): State<App>,
    caller: Caller<Anyone>,
    body: ValidJson<ChangeEmail>,
) -> Result<Accepted<MailAccepted>> {
    let ChangeEmail { email, password } = body.value;
    constant_time_response(&app, request_change(&app, &caller, &email, &password)).await?;
    Ok(MailAccepted::answer())
}

async fn request_change(
    app: &App,
    caller: &Caller<Anyone>,
    email: &Email,
    password: &PasswordInput,
) -> Result<()> {
    let now = app.state.clock().now();
    let request = caller.request();
    let verified = current_password::verify_current_password(app, caller, password, now).await?;
    let (tenant, id) = (verified.tenant, verified.id);
    app.mail_throttle
        .consume(&tenant.to_string(), email.as_str(), request.address(), now)
        .await?;
    let mut tx = app.db.begin(tenant, Actor::user(id)).await?;
    users::lock_user(&mut tx, access::Reach::Own(id), id).await?;
    one_time_tokens::void_tokens_for(&mut tx, id, TokenPurpose::ChangeEmail, now).await?;
    let lifetime = app.settings.email_change_lifetime;
    let link = Link {
        email: Some(email.as_str()),
        ..Link::new(&EMAIL_CHANGE_REQUESTED, TokenPurpose::ChangeEmail, lifetime)
    };
    let user = (id, verified.user.version);
    one_time_link::send_link(app, &mut tx, request, user, link, now).await?;
    let entry = audit::Entry::new("identity.user.email_change_requested", "user", id);
    audit::record(&mut tx, request, now, caller.reason.as_deref(), entry).await?;
    tx.commit().await?;
    Ok(())
}

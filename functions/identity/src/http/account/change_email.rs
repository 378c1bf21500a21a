//! Requests a change of the signed-in user's email address.

use access::{Anyone, Caller, Reach, audit};
use axum::extract::State;
use web::{Accepted, Email, ValidJson, problem::Result};

use super::current_password;
use crate::{
    App,
    domain::password::PasswordInput,
    events::EmailChangeRequested,
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
    let verified = current_password::verify_current_password(app, caller, password).await?;
    let me = verified.me;
    let (tenant, address) = (me.tenant.to_string(), caller.request().address());
    let now = app.state.clock().now();
    app.mail_throttle
        .consume(&tenant, email.as_str(), address, now)
        .await?;
    let mut unit = me.begin(app, caller).await?;
    users::lock_user(&mut unit, Reach::Own(me.user), me.user).await?;
    let purpose = TokenPurpose::ChangeEmail;
    one_time_tokens::void_tokens_for(&mut unit, me.user, purpose).await?;
    let link = Link {
        email: Some(email.as_str()),
        ..Link::new(purpose, app.settings.email_change_lifetime)
    };
    let (version, event) = (verified.user.version, EmailChangeRequested::from);
    one_time_link::send_link(app, &mut unit, me.user, version, link, event).await?;
    let entry = audit::Entry::new("identity.user.email_change_requested", "user", me.user);
    unit.audit(entry).await?;
    unit.commit().await
}

//! Another mail address for oneself: asked for.

use access::{Anyone, Caller, audit};
use axum::extract::State;
use db::Actor;
use web::{Accepted, Email, ValidJson, problem::Result};

use super::current_password;
use crate::{
    App,
    domain::password::GivenPassword,
    events::EMAIL_CHANGE_REQUESTED,
    http::links::{
        mail_request::{CheckMail, at_a_step},
        one_time_link::{self, Link},
    },
    store::{
        one_time_tokens::{self, TokenPurpose},
        users,
    },
};

web::body! {
    /// The address that is to be.
    pub struct ChangeEmail {
        /// The new mail address; a link is sent there.
        pub email: Email,
        /// The password.
        pub password: GivenPassword,
    }
    example { "email": "ada.lovelace@example.org", "password": "correct horse battery staple" }
}

/// Ask for another mail address.
///
/// A link goes to the new address and a notice to the present one, which holds until the link is opened. Whether somebody else
/// has the address is told only to whoever opens the link.
#[utoipa::path(post, path = "/auth/email/change", responses((status = 202, body = CheckMail, description = "A mail with a link is on its way to the new address.")))]
pub(crate) async fn change_email(
    State(app): State<App>,
    caller: Caller<Anyone>,
    body: ValidJson<ChangeEmail>,
) -> Result<Accepted<CheckMail>> {
    let ChangeEmail { email, password } = body.value;
    at_a_step(&app, ask(&app, &caller, &email, &password)).await?;
    Ok(CheckMail::answer())
}

async fn ask(
    app: &App,
    caller: &Caller<Anyone>,
    email: &Email,
    password: &GivenPassword,
) -> Result<()> {
    let now = app.state.clock().now();
    let request = caller.request();
    let confirmed = current_password::confirm(app, caller, password, now).await?;
    let (tenant, id) = (confirmed.tenant, confirmed.id);
    app.mail_throttle
        .count(&tenant.to_string(), email.as_str(), request.address(), now)
        .await?;
    let mut tx = app.db.begin(tenant, Actor::user(id)).await?;
    users::lock_user(&mut tx, access::Reach::Own(id), id).await?;
    one_time_tokens::void_tokens_for(&mut tx, id, TokenPurpose::ChangeEmail, now).await?;
    let lifetime = app.settings.email_change_lifetime;
    let link = Link {
        email: Some(email.as_str()),
        ..Link::plain(&EMAIL_CHANGE_REQUESTED, TokenPurpose::ChangeEmail, lifetime)
    };
    let user = (id, confirmed.user.version);
    one_time_link::send(app, &mut tx, request, user, link, now).await?;
    let entry = audit::Entry::new("identity.user.email_change_requested", "user", id);
    audit::record(&mut tx, request, now, caller.reason.as_deref(), entry).await?;
    tx.commit().await?;
    Ok(())
}

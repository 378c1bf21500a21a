//! Verifies the email address of a registration.

use access::{Reach, audit};
use axum::{Json, extract::State};
use db::Actor;
use events::UnitOfWork;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Problem, RequestInfo, ValidJson, problem::Result};

use super::one_time_link::{self, TokenInput};
use crate::{
    App,
    error::{INVALID_TOKEN, unauthorized},
    events::UserActivated,
    http::{
        people::rules,
        tenant::{check_writable, find_open_tenant},
    },
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
        seats, users,
    },
};

web::body! {
    /// The token from a verification link.
    pub struct VerifyEmail {
        /// Token from the link. It can be used once.
        pub token: TokenInput,
    }
}

/// Confirms that the email address is verified.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    /// Always `verified`.
    #[schema(example = "verified")]
    status: &'static str,
}

impl Verified {
    /// The response for a verified address.
    pub(crate) fn answer() -> Self {
        Self { status: "verified" }
    }
}

/// Verify an email address
///
/// Takes the token from the link that was sent at registration and activates the account, which takes a seat of the licence. The user
/// is not signed in.
#[utoipa::path(
    post,
    path = "/auth/email/verify",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = Verified, description = "The address is verified and the account is active."))
)]
pub(crate) async fn verify_email(
    State(app): State<App>,
    request: RequestInfo,
    body: ValidJson<VerifyEmail>,
) -> Result<Json<Verified>> {
    let invalid = || -> Problem { unauthorized(&INVALID_TOKEN) };
    let token = one_time_link::parse_token(&body.value.token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    let mut unit = UnitOfWork::begin_anonymous(&app, &request, tenant.id, Actor::EXTERNAL).await?;
    seats::lock_people(&mut unit).await?;
    let opened = one_time_tokens::use_token(&mut unit, &token, TokenPurpose::VerifyEmail)
        .await?
        .ok_or_else(invalid)?;
    check_writable(&tenant)?;
    let password_hash = opened.password_hash.ok_or_else(invalid)?;
    // Without a free seat nothing is written, so the link stays valid.
    rules::check_seats(&mut unit).await?;
    if !accounts::activate_user(&mut unit, opened.user, &password_hash).await? {
        return Err(invalid());
    }
    one_time_tokens::void_tokens(&mut unit, opened.user).await?;
    let user = users::find_user(&mut unit, Reach::All, opened.user, false)
        .await?
        .ok_or_else(invalid)?;
    unit.publish(user.version, UserActivated { user_id: user.id })
        .await?;
    let entry = audit::Entry::new("identity.user.activated", "user", user.id)
        .change("status", "invited", "active");
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(Json(Verified::answer()))
}

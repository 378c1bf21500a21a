//! Verifies the email address of a registration.

use access::audit;
use axum::{Json, extract::State};
use db::Actor;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{Problem, RequestInfo, ValidJson, problem::Result};

use super::one_time_link::{self, TokenInput};
use crate::{
    App,
    error::{INVALID_TOKEN, unauthorized},
    events::USER_ACTIVATED,
    http::{
        announce,
        tenant::{check_writable, find_open_tenant},
    },
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
        users,
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
/// Takes the token from the link that was sent at registration and activates the account. The user is not signed in.
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
    let now = app.state.clock().now();
    let invalid = || -> Problem { unauthorized(&INVALID_TOKEN) };
    let token = one_time_link::parse_token(&body.value.token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    let mut tx = app.db.begin(tenant.id, Actor::EXTERNAL).await?;
    let opened = one_time_tokens::use_token(&mut tx, &token, TokenPurpose::VerifyEmail, now)
        .await?
        .ok_or_else(invalid)?;
    check_writable(&tenant)?;
    let password_hash = opened.password_hash.ok_or_else(invalid)?;
    if !accounts::activate_user(&mut tx, opened.user, &password_hash, now).await? {
        return Err(invalid());
    }
    one_time_tokens::void_tokens(&mut tx, opened.user, now).await?;
    let user = users::find_user(&mut tx, access::Reach::All, opened.user, false)
        .await?
        .ok_or_else(invalid)?;
    let data = json!({"user_id": user.id});
    announce(
        &mut tx,
        &request,
        now,
        &USER_ACTIVATED,
        (user.id, user.version),
        data,
    )
    .await?;
    let entry = audit::Entry::new("identity.user.activated", "user", user.id)
        .change("status", "invited", "active");
    audit::record(&mut tx, &request, now, None, entry).await?;
    tx.commit().await?;
    Ok(Json(Verified::answer()))
}

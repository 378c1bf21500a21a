//! Opening the link that proves an address.

use access::audit;
use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{Problem, RequestInfo, ValidJson, problem::Result};

use super::one_time_link::{self, GivenToken};
use crate::{
    App,
    error::{INVALID_TOKEN, unauthorized},
    events::USER_ACTIVATED,
    http::{
        account::register::EXTERNAL,
        announce,
        tenant::{check_changeable, find_living},
    },
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
        users,
    },
};

web::body! {
    /// The token of a link that was sent.
    pub struct VerifyEmail {
        /// It works once.
        pub token: GivenToken,
    }
}

/// The address is proved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    /// Always `verified`.
    #[schema(example = "verified")]
    status: &'static str,
}

impl Verified {
    /// It is.
    pub(crate) fn answer() -> Self {
        Self { status: "verified" }
    }
}

/// Prove a mail address with the link that was sent there; the account can be signed in to from then on.
#[utoipa::path(
    post,
    path = "/auth/email/verify",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = Verified, description = "The account can be signed in to."))
)]
pub(crate) async fn verify_email(
    State(app): State<App>,
    request: RequestInfo,
    body: ValidJson<VerifyEmail>,
) -> Result<Json<Verified>> {
    let now = app.state.clock().now();
    let invalid = || -> Problem { unauthorized(&INVALID_TOKEN) };
    let token = one_time_link::parse(&body.value.token)?;
    let tenant = find_living(&app, token.tenant).await?.ok_or_else(invalid)?;
    let mut tx = app.db.begin(tenant.id, EXTERNAL).await?;
    let opened = one_time_tokens::use_token(&mut tx, &token, TokenPurpose::VerifyEmail, now)
        .await?
        .ok_or_else(invalid)?;
    check_changeable(&tenant)?;
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

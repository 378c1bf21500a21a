//! Another mail address for oneself: proved, and in force.

use access::{audit, mask};
use axum::{Json, extract::State};
use http::HeaderMap;
use serde_json::json;
use web::{Problem, RequestInfo, ValidJson, problem::Result};

use super::register::EXTERNAL;
use crate::{
    App,
    domain::status::UserStatus,
    error::{INVALID_TOKEN, unauthorized},
    events::USER_UPDATED,
    http::{
        announce,
        links::{
            one_time_link,
            verify_email::{Verified, VerifyEmail},
        },
        people::taken,
        sessions::cookie,
        tenant::find_living,
    },
    store::{
        one_time_tokens::{self, TokenPurpose},
        users,
    },
};

/// Prove a new mail address with the link that was sent there; it holds from then on, and links to the old one are worthless.
#[utoipa::path(
    post,
    path = "/auth/email/change/confirm",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = Verified, description = "The new address holds."))
)]
pub(crate) async fn confirm_email_change(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<VerifyEmail>,
) -> Result<Json<Verified>> {
    let now = app.state.clock().now();
    let invalid = || -> Problem { unauthorized(&INVALID_TOKEN) };
    let token = one_time_link::parse(&body.value.token)?;
    let tenant = find_living(&app, token.tenant).await?.ok_or_else(invalid)?;
    cookie::check_page(&app.state, &headers, Some(tenant.id)).await?;
    let (reach, purpose) = (access::Reach::All, TokenPurpose::ChangeEmail);
    let mut tx = app.db.begin(tenant.id, EXTERNAL).await?;
    let found = one_time_tokens::find_token(&mut tx, &token, purpose, now)
        .await?
        .ok_or_else(invalid)?;
    users::lock_user(&mut tx, reach, found.user).await?;
    let opened = one_time_tokens::use_token(&mut tx, &token, purpose, now)
        .await?
        .ok_or_else(invalid)?;
    let email = opened.email.ok_or_else(invalid)?;
    let before = users::find_user(&mut tx, reach, opened.user, false)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(invalid)?;
    let mut after = before.clone();
    after.email = email;
    after.email_verified_at = Some(now);
    users::update_user(&mut tx, reach, &after, now)
        .await
        .map_err(taken)?;
    one_time_tokens::void_tokens(&mut tx, after.id, now).await?;
    let data = json!({"user_id": after.id, "fields": ["email"]});
    let version = (after.id, before.version + 1);
    announce(&mut tx, &request, now, &USER_UPDATED, version, data).await?;
    let (old, new) = (mask::email(&before.email), mask::email(&after.email));
    let entry = audit::Entry::new("identity.user.email_changed", "user", after.id)
        .change("email", old, new);
    audit::record(&mut tx, &request, now, None, entry).await?;
    tx.commit().await?;
    Ok(Json(Verified::answer()))
}

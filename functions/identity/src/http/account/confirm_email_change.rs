//! Confirms a change of the signed-in user's email address.

use access::{Reach, audit, mask};
use axum::{Json, extract::State};
use db::Actor;
use events::UnitOfWork;
use http::HeaderMap;
use web::{Problem, RequestInfo, ValidJson, problem::Result};

use crate::{
    App,
    domain::status::UserStatus,
    error::{INVALID_TOKEN, unauthorized},
    events::UserUpdated,
    http::{
        links::{
            one_time_link,
            verify_email::{Verified, VerifyEmail},
        },
        people::email_conflict,
        sessions::cookie,
        tenant::find_open_tenant,
    },
    store::{
        one_time_tokens::{self, TokenPurpose},
        users,
    },
};

/// Confirm a new email address
///
/// Takes the token from the link that was sent to the new address. The new address is active at once, and open links sent to the
/// old address are no longer valid.
#[utoipa::path(
    post,
    path = "/auth/email/change/confirm",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = Verified, description = "The new email address is active."))
)]
pub(crate) async fn confirm_email_change(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<VerifyEmail>,
) -> Result<Json<Verified>> {
    let invalid = || -> Problem { unauthorized(&INVALID_TOKEN) };
    let token = one_time_link::parse_token(&body.value.token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    cookie::check_page(&app.state, &headers, Some(tenant.id)).await?;
    let (reach, purpose) = (Reach::All, TokenPurpose::ChangeEmail);
    let mut unit = UnitOfWork::begin_anonymous(&app, &request, tenant.id, Actor::EXTERNAL).await?;
    let found = one_time_tokens::find_token(&mut unit, &token, purpose)
        .await?
        .ok_or_else(invalid)?;
    users::lock_user(&mut unit, reach, found.user).await?;
    let opened = one_time_tokens::use_token(&mut unit, &token, purpose)
        .await?
        .ok_or_else(invalid)?;
    let email = opened.email.ok_or_else(invalid)?;
    let before = users::find_user(&mut unit, reach, opened.user, false)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(invalid)?;
    let mut after = before.clone();
    after.email = email;
    after.email_verified_at = Some(unit.now());
    users::update_user(&mut unit, reach, &after)
        .await
        .map_err(email_conflict)?;
    one_time_tokens::void_tokens(&mut unit, after.id).await?;
    let event = UserUpdated {
        user_id: after.id,
        fields: vec!["email".to_owned()],
    };
    unit.publish(before.version + 1, event).await?;
    let (old, new) = (mask::email(&before.email), mask::email(&after.email));
    let entry = audit::Entry::new("identity.user.email_changed", "user", after.id)
        .change("email", old, new);
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(Json(Verified::answer()))
}

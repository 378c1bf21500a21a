//! Signs users out.

use access::{Caller, Enrolling, audit};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use db::Actor;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{RequestInfo, ValidJson, ValidQuery, problem::Result};

use super::{
    cookie,
    refresh::{Refresh, extract_token, revoke_family},
};
use crate::{
    App,
    domain::refresh_token::TokenState,
    error::{INVALID_REFRESH_TOKEN, unauthorized},
    http::current_user::CurrentUser,
    store::sessions::{self, EndReason},
};

/// Query parameters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogoutQuery {
    /// `true`: sign out on all devices.
    #[serde(default)]
    #[param(required = false)]
    all: bool,
}

/// Sign out
///
/// Ends the session of the access token, or all sessions of the user with `all=true`. Clients whose access token has expired omit it
/// and send their refresh token instead.
#[utoipa::path(post, path = "/auth/logout", responses((status = 204, description = "The session has ended.")))]
pub(crate) async fn logout(
    State(app): State<App>,
    caller: Option<Caller<Enrolling>>,
    request: RequestInfo,
    headers: HeaderMap,
    ValidQuery(query): ValidQuery<LogoutQuery>,
    body: Option<ValidJson<Refresh>>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let current = match &caller {
        Some(caller) => CurrentUser::from_caller(caller)?,
        None => session_of_refresh_token(&app, &request, &headers, body, now).await?,
    };
    let (only, reason) = if query.all {
        (None, EndReason::LogoutAll)
    } else {
        (Some(current.session), EndReason::Logout)
    };
    let mut tx = app
        .db
        .begin(current.tenant, Actor::user(current.user))
        .await?;
    for session in sessions::end_sessions(&mut tx, current.user, only, reason, now).await? {
        let entry = audit::Entry::new("identity.session.ended", "session", session).change(
            "reason",
            serde_json::Value::Null,
            reason.as_str(),
        );
        audit::record(&mut tx, &request, now, None, entry).await?;
    }
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    let mut response = StatusCode::NO_CONTENT.into_response();
    if cookie::read_refresh_cookie(&app.state, &headers).is_some() {
        response.headers_mut().append(
            header::SET_COOKIE,
            cookie::clear_refresh_cookie(&app.state)?,
        );
    }
    Ok(response)
}

/// Finds the session by its refresh token: a caller who could refresh the session may end it.
async fn session_of_refresh_token(
    app: &App,
    request: &RequestInfo,
    headers: &HeaderMap,
    body: Option<ValidJson<Refresh>>,
    now: DateTime<Utc>,
) -> Result<CurrentUser> {
    let invalid = || unauthorized(&INVALID_REFRESH_TOKEN);
    let (token, _) = extract_token(app, headers, body).await?;
    let mut tx = app.db.begin(token.tenant, Actor::SYSTEM).await?;
    let session = sessions::lock_session(&mut tx, token.session, now)
        .await?
        .filter(|session| session.alive)
        .ok_or_else(invalid)?;
    match app
        .refresh_tokens
        .classify(&token, &session.stored, now, app.settings.refresh_overlap)
    {
        TokenState::Current(_) | TokenState::JustReplaced(_) => {}
        TokenState::Reused => {
            return Err(revoke_family(app, tx, request, &token, &session, now).await?);
        }
        TokenState::Unknown => return Err(invalid()),
    }
    tx.commit().await?;
    Ok(CurrentUser {
        tenant: token.tenant,
        user: session.user,
        session: token.session,
    })
}

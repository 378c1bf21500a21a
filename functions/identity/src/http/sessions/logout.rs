//! Signs users out.

use access::{Caller, Enrolling};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use db::Actor;
use events::UnitOfWork;
use http::{HeaderMap, StatusCode, header};
use web::{RequestInfo, ValidJson, ValidQuery, problem::Result};

use super::{
    cookie,
    devices::audit_entries,
    refresh::{Refresh, extract_token, revoke_family},
};
use crate::{
    App,
    domain::refresh_token::TokenState,
    error::{INVALID_REFRESH_TOKEN, unauthorized},
    http::current_user::CurrentUser,
    store::sessions::{self, EndReason},
};

web::query! {
    /// Query parameters.
    pub(crate) struct LogoutQuery {
        /// `true`: sign out on all devices.
        all: Option<bool>,
    }
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
    let current = match &caller {
        Some(caller) => CurrentUser::from_caller(caller)?,
        None => session_of_refresh_token(&app, &request, &headers, body).await?,
    };
    let (only, reason) = if query.all == Some(true) {
        (None, EndReason::LogoutAll)
    } else {
        (Some(current.session), EndReason::Logout)
    };
    let (tenant, actor) = (current.tenant, Actor::user(current.user));
    let mut unit = UnitOfWork::begin_anonymous(&app, &request, tenant, actor).await?;
    let ended = sessions::end_sessions(&mut unit, current.user, only, reason).await?;
    unit.audit_all(audit_entries(ended, reason)).await?;
    unit.commit().await?;
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
) -> Result<CurrentUser> {
    let invalid = || unauthorized(&INVALID_REFRESH_TOKEN);
    let (token, _) = extract_token(app, headers, body).await?;
    let mut unit = UnitOfWork::begin_anonymous(app, request, token.tenant, Actor::SYSTEM).await?;
    let session = sessions::lock_session(&mut unit, token.session)
        .await?
        .filter(|session| session.alive)
        .ok_or_else(invalid)?;
    let (now, overlap) = (unit.now(), app.settings.refresh_overlap);
    match app
        .refresh_tokens
        .classify(&token, &session.stored, now, overlap)
    {
        TokenState::Current(_) | TokenState::JustReplaced(_) => {}
        TokenState::Reused => {
            return Err(revoke_family(app, unit, &token, &session).await?);
        }
        TokenState::Unknown => return Err(invalid()),
    }
    unit.commit().await?;
    Ok(CurrentUser {
        tenant: token.tenant,
        user: session.user,
        session: token.session,
    })
}

//! Signing out.

use access::{Caller, Enrolling, Principal, REVALENZ, audit};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use db::Actor;
use http::{HeaderMap, StatusCode, header};
use ids::{SessionId, TenantId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{RequestInfo, ValidJson, ValidQuery, problem::Result};

use super::{
    cookie,
    refresh::{Refresh, end_family, presented},
};
use crate::{
    App,
    domain::refresh_token::Verdict,
    error::{INVALID_REFRESH_TOKEN, NOT_A_PERSON, unauthorized},
    store::sessions::{self, EndReason},
};

/// How far.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct HowFar {
    /// `true`: on all devices.
    #[serde(default)]
    #[param(required = false)]
    all: bool,
}

/// Whose session ends.
struct Leaving {
    tenant: TenantId,
    user: UserId,
    session: SessionId,
}

/// Sign out: on this device, or with `all=true` on all.
///
/// The access token says which session it is. A client whose access token has expired sends none, and its refresh token
/// instead.
#[utoipa::path(post, path = "/auth/logout", responses((status = 204, description = "Signed out.")))]
pub(crate) async fn logout(
    State(app): State<App>,
    caller: Option<Caller<Enrolling>>,
    request: RequestInfo,
    headers: HeaderMap,
    ValidQuery(how_far): ValidQuery<HowFar>,
    body: Option<ValidJson<Refresh>>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let leaving = match &caller {
        Some(caller) => of_caller(caller)?,
        None => of_token(&app, &request, &headers, body, now).await?,
    };
    let (only, reason) = if how_far.all {
        (None, EndReason::LogoutAll)
    } else {
        (Some(leaving.session), EndReason::Logout)
    };
    let mut tx = app
        .db
        .begin(leaving.tenant, Actor::user(leaving.user))
        .await?;
    for session in sessions::end_sessions(&mut tx, leaving.user, only, reason, now).await? {
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
    if cookie::read(&app.state, &headers).is_some() {
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookie::clear(&app.state)?);
    }
    Ok(response)
}

/// Staff keep their session at home, in whichever tenant they act.
pub(crate) fn home(principal: &Principal) -> TenantId {
    if principal.is_superadmin() {
        REVALENZ
    } else {
        principal.tenant.id
    }
}

fn of_caller(caller: &Caller<Enrolling>) -> Result<Leaving> {
    let (user, session) = caller.user.zip(caller.session).ok_or(&NOT_A_PERSON)?;
    Ok(Leaving {
        tenant: home(caller),
        user,
        session,
    })
}

/// Whoever could refresh the session may end it.
async fn of_token(
    app: &App,
    request: &RequestInfo,
    headers: &HeaderMap,
    body: Option<ValidJson<Refresh>>,
    now: DateTime<Utc>,
) -> Result<Leaving> {
    let invalid = || unauthorized(&INVALID_REFRESH_TOKEN);
    let (token, _) = presented(app, headers, body).await?;
    let mut tx = app.db.begin(token.tenant, Actor::SYSTEM).await?;
    let session = sessions::lock_session(&mut tx, token.session, now)
        .await?
        .filter(|session| session.alive)
        .ok_or_else(invalid)?;
    match app
        .refresh_tokens
        .judge(&token, &session.kept, now, app.settings.refresh_overlap)
    {
        Verdict::Rotate(_) | Verdict::Again(_) => {}
        Verdict::Reused => return Err(end_family(app, tx, request, &token, &session, now).await?),
        Verdict::Unknown => return Err(invalid()),
    }
    tx.commit().await?;
    Ok(Leaving {
        tenant: token.tenant,
        user: session.user,
        session: token.session,
    })
}

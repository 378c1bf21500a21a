//! Refreshes the tokens of a session (`decisions.md` 10).

use std::sync::Arc;

use access::{Reach, Tenant, audit};
use axum::{extract::State, response::Response};
use db::{Actor, TenantTx};
use events::UnitOfWork;
use http::HeaderMap;
use web::{Problem, RequestInfo, ValidJson, fields::Secret, problem::Result};

use super::{
    cookie::{self, RefreshMode},
    session::{SessionGrant, TokenAnswer},
};
use crate::{
    App,
    domain::{
        refresh_token::{RefreshToken, TokenState},
        tenant_rules,
    },
    error::{INVALID_REFRESH_TOKEN, REFRESH_TOKEN_REUSED, unauthorized},
    events::SessionReuseDetected,
    http::tenant::{check_sign_in_allowed, find_open_tenant, set_caller},
    store::{
        accounts,
        sessions::{self, EndReason, LockedSession},
        users,
    },
};

web::body! {
    /// The refresh token, unless it is sent as a cookie.
    pub struct Refresh {
        /// Refresh token from the last response. Omit it if the token is kept as a cookie.
        pub refresh_token: Option<Secret<1, 4096>>,
    }
}

fn invalid() -> Problem {
    unauthorized(&INVALID_REFRESH_TOKEN)
}

/// Refresh a session
///
/// Returns a new access token and the next refresh token. A refresh token can be used once; for another 30 seconds it still returns
/// the same successor, so that tabs that refresh at the same time agree. Using an older token ends the session.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "The new tokens of the session."))
)]
pub(crate) async fn refresh_session(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: Option<ValidJson<Refresh>>,
) -> Result<Response> {
    let (token, mode) = extract_token(&app, &headers, body).await?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    let signer = app.signer().await?;
    let mut unit = UnitOfWork::begin_anonymous(&app, &request, tenant.id, Actor::SYSTEM).await?;
    let session = sessions::lock_session(&mut unit, token.session)
        .await?
        .filter(|session| session.alive)
        .ok_or_else(invalid)?;
    let (now, overlap) = (unit.now(), app.settings.refresh_overlap);
    let grant = match app
        .refresh_tokens
        .classify(&token, &session.stored, now, overlap)
    {
        TokenState::Current(child) => rotate_token(&mut unit, tenant, session, child).await?,
        TokenState::JustReplaced(current) => {
            load_grant(&mut unit, tenant, session, current).await?
        }
        TokenState::Reused => {
            return Err(revoke_family(&app, unit, &token, &session).await?);
        }
        TokenState::Unknown => return Err(invalid()),
    };
    set_caller(&request, &grant.tenant, grant.user.id, &grant.user.locale);
    unit.commit().await?;
    app.state
        .authenticator()
        .invalidate_session(grant.tenant.id, token.session)
        .await;
    grant.into_response(&app, &signer, mode, now)
}

/// The refresh token of the request, and how to return its successor. Cookies are accepted only from pages of the tenant.
pub(crate) async fn extract_token(
    app: &App,
    headers: &HeaderMap,
    body: Option<ValidJson<Refresh>>,
) -> Result<(RefreshToken, RefreshMode)> {
    if let Some(text) = body.and_then(|body| body.value.refresh_token) {
        let token = RefreshToken::parse(text.expose()).ok_or_else(invalid)?;
        cookie::check_page(&app.state, headers, Some(token.tenant)).await?;
        return Ok((token, RefreshMode::Body));
    }
    let text = cookie::read_refresh_cookie(&app.state, headers).ok_or_else(invalid)?;
    let token = RefreshToken::parse(text);
    cookie::check_csrf(
        &app.state,
        headers,
        token.as_ref().map(|token| token.tenant),
    )
    .await?;
    Ok((token.ok_or_else(invalid)?, RefreshMode::Cookie))
}

async fn rotate_token(
    tx: &mut TenantTx,
    tenant: Arc<Tenant>,
    mut session: LockedSession,
    child: RefreshToken,
) -> Result<SessionGrant> {
    let now = tx.now();
    session.expires_at = tenant_rules::session_end(&tenant, session.created_at, now);
    // The tenant may have shortened session lifetimes since.
    if session.expires_at <= now {
        return Err(invalid());
    }
    sessions::rotate_session(tx, &child, session.expires_at).await?;
    accounts::touch_last_seen(tx, session.user).await?;
    load_grant(tx, tenant, session, child).await
}

async fn load_grant(
    tx: &mut TenantTx,
    tenant: Arc<Tenant>,
    session: LockedSession,
    refresh: RefreshToken,
) -> Result<SessionGrant> {
    let user = users::find_user(tx, Reach::All, session.user, false)
        .await?
        .ok_or_else(invalid)?;
    check_sign_in_allowed(tx, &tenant, user.role_id).await?;
    Ok(SessionGrant {
        tenant,
        user,
        refresh,
        amr: session.amr,
        authenticated_at: session.authenticated_at,
        expires_at: session.expires_at,
    })
}

/// Ends a session whose refresh token was reused: two parties have the token, and they cannot be told apart. This is committed
/// although the request is refused. Other sessions of the user continue.
pub(crate) async fn revoke_family(
    app: &App,
    mut unit: UnitOfWork,
    token: &RefreshToken,
    session: &LockedSession,
) -> Result<Problem> {
    let (user, generation) = (session.user, session.stored.generation);
    let only = Some(token.session);
    sessions::end_sessions(&mut unit, user, only, EndReason::ReuseDetected).await?;
    let event = SessionReuseDetected {
        user_id: user,
        session_id: token.session,
    };
    unit.publish(generation, event).await?;
    let entry = audit::Entry::new("identity.session.reuse_detected", "session", token.session)
        .change("generation", generation, token.generation);
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state
        .authenticator()
        .invalidate_session(token.tenant, token.session)
        .await;
    Ok(unauthorized(&REFRESH_TOKEN_REUSED))
}

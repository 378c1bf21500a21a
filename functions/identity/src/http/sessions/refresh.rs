//! Renewing the tokens of a session (`decisions.md` 10).

use std::sync::Arc;

use access::{Tenant, audit};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::{Actor, TenantTx};
use events::Announcement;
use http::HeaderMap;
use serde_json::json;
use web::{Problem, RequestInfo, ValidJson, fields::Secret, problem::Result};

use super::{
    cookie::{self, RefreshMode},
    session::{Granted, TokenAnswer},
};
use crate::{
    App,
    domain::{
        refresh_token::{RefreshToken, Verdict},
        tenant_rules,
    },
    error::{INVALID_REFRESH_TOKEN, REFRESH_TOKEN_REUSED, unauthorized},
    events::SESSION_REUSE_DETECTED,
    http::tenant::{check_let_in, find_living, introduce},
    store::{
        accounts,
        sessions::{self, EndReason, Presented},
        users,
    },
};

web::body! {
    /// The refresh token, unless it comes as a cookie.
    pub struct Refresh {
        /// As the last answer gave it.
        pub refresh_token: Option<Secret<1, 4096>>,
    }
}

fn invalid() -> Problem {
    unauthorized(&INVALID_REFRESH_TOKEN)
}

/// Get a new access token and the next refresh token.
///
/// A refresh token is good once. Its immediate parent is good for 30 seconds more and gives the same token again, so tabs that
/// refresh at the same time agree. Anything older ends the session.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "New tokens of the same session."))
)]
pub(crate) async fn refresh_session(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: Option<ValidJson<Refresh>>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let (token, mode) = presented(&app, &headers, body).await?;
    let tenant = find_living(&app, token.tenant).await?.ok_or_else(invalid)?;
    let signer = app.signer().await?;
    let mut tx = app.db.begin(tenant.id, Actor::SYSTEM).await?;
    let session = sessions::lock_session(&mut tx, token.session, now)
        .await?
        .filter(|session| session.alive)
        .ok_or_else(invalid)?;
    let granted =
        match app
            .refresh_tokens
            .judge(&token, &session.kept, now, app.settings.refresh_overlap)
        {
            Verdict::Rotate(child) => rotate(&app, &mut tx, tenant, session, child, now).await?,
            Verdict::Again(current) => grant(&mut tx, tenant, session, current).await?,
            Verdict::Reused => {
                return Err(end_family(&app, tx, &request, &token, &session, now).await?);
            }
            Verdict::Unknown => return Err(invalid()),
        };
    introduce(
        &request,
        &granted.tenant,
        granted.user.id,
        &granted.user.locale,
    );
    tx.commit().await?;
    app.state
        .authenticator().invalidate_session(granted.tenant.id, token.session)
        .await;
    granted.answer(&app, &signer, mode, now)
}

/// The token of a request, and how its successor is to be given back. A cookie counts only on a page of the tenant.
pub(crate) async fn presented(
    app: &App,
    headers: &HeaderMap,
    body: Option<ValidJson<Refresh>>,
) -> Result<(RefreshToken, RefreshMode)> {
    if let Some(text) = body.and_then(|body| body.value.refresh_token) {
        let token = RefreshToken::parse(text.expose()).ok_or_else(invalid)?;
        cookie::check_page(&app.state, headers, Some(token.tenant)).await?;
        return Ok((token, RefreshMode::Body));
    }
    let text = cookie::read(&app.state, headers).ok_or_else(invalid)?;
    let token = RefreshToken::parse(text);
    cookie::check(&app.state, headers, token.as_ref().map(|token| token.tenant)).await?;
    Ok((token.ok_or_else(invalid)?, RefreshMode::Cookie))
}

async fn rotate(
    app: &App,
    tx: &mut TenantTx,
    tenant: Arc<Tenant>,
    mut session: Presented,
    child: RefreshToken,
    now: DateTime<Utc>,
) -> Result<Granted> {
    session.expires_at = tenant_rules::session_end(&tenant, &app.settings, session.created_at, now);
    // The tenant may have shortened its sessions since.
    if session.expires_at <= now {
        return Err(invalid());
    }
    sessions::rotate_session(tx, &child, session.expires_at, now).await?;
    accounts::note_seen(tx, session.user, now).await?;
    grant(tx, tenant, session, child).await
}

async fn grant(
    tx: &mut TenantTx,
    tenant: Arc<Tenant>,
    session: Presented,
    refresh: RefreshToken,
) -> Result<Granted> {
    let user = users::find_user(tx, access::Reach::All, session.user, false)
        .await?
        .ok_or_else(invalid)?;
    check_let_in(tx, &tenant, user.role_id).await?;
    Ok(Granted {
        tenant,
        user,
        refresh,
        amr: session.amr,
        proved_at: session.proved_at,
        expires_at: session.expires_at,
    })
}

/// Two have the token, and nobody can tell which of them is the thief: the session ends, and that is committed although the
/// answer is a refusal. Other sessions of the person live on.
pub(crate) async fn end_family(
    app: &App,
    mut tx: TenantTx,
    request: &RequestInfo,
    token: &RefreshToken,
    session: &Presented,
    now: DateTime<Utc>,
) -> Result<Problem> {
    let only = Some(token.session);
    sessions::end_sessions(&mut tx, session.user, only, EndReason::ReuseDetected, now).await?;
    let announcement = Announcement {
        kind: &SESSION_REUSE_DETECTED,
        subject: format!("sessions/{}", token.session),
        version: session.kept.generation.into(),
        data: json!({"user_id": session.user, "session_id": token.session}),
        sealed: None,
    };
    events::announce(&mut tx, request, now, announcement).await?;
    let entry = audit::Entry::new("identity.session.reuse_detected", "session", token.session)
        .change("generation", session.kept.generation, token.generation);
    audit::record(&mut tx, request, now, None, entry).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_session(token.tenant, token.session).await;
    Ok(unauthorized(&REFRESH_TOKEN_REUSED))
}

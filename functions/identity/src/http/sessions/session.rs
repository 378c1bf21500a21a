//! Creates sessions and the response with their tokens, for every way of signing in.

use std::sync::Arc;

use access::{
    Assurance, Tenant,
    token::{AUDIENCE, Claims, LIFETIME, Signer},
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::Announcement;
use http::{HeaderMap, header};
use ids::{EventId, SessionId, TenantId, UserId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{Problem, RequestInfo, SingleLine, problem::Result};

use super::cookie::{self, RefreshMode};
use crate::{
    App,
    domain::{device, refresh_token::RefreshToken, tenant_rules},
    events::SESSION_NEW_DEVICE,
    http::{people::User, tenant::check_sign_in_allowed},
    store::{
        accounts,
        sessions::{self, NewSession},
        users::UserRow,
    },
};

/// Maximum length of the stored `User-Agent`.
const MAX_USER_AGENT_LENGTH: usize = 400;

/// The tokens of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// Access token for `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    #[schema(example = 600)]
    expires_in: i64,
    /// Refresh token for `POST /auth/refresh`, usable once. Omitted if it is set as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh_token: Option<String>,
    /// The signed-in user.
    user: User,
}

/// The client's device, and how it wants to receive its refresh token.
#[derive(Debug, Default)]
pub(crate) struct Device {
    pub(crate) mode: RefreshMode,
    pub(crate) name: Option<SingleLine<1, 100>>,
}

impl Device {
    /// Refuses pages that may not sign in; a cookie requires additional headers.
    pub(crate) async fn check_page(
        &self,
        app: &App,
        headers: &HeaderMap,
        tenant: Option<TenantId>,
    ) -> Result<()> {
        match self.mode {
            RefreshMode::Body => cookie::check_page(&app.state, headers, tenant).await,
            RefreshMode::Cookie => cookie::check_csrf(&app.state, headers, tenant).await,
        }
    }
}

/// The tokens of a new session, to be returned once the transaction is committed.
#[derive(Debug)]
pub(crate) struct SessionGrant {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) user: UserRow,
    pub(crate) refresh: RefreshToken,
    pub(crate) amr: Vec<String>,
    pub(crate) authenticated_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Creates a session for a user who has just authenticated.
pub(crate) async fn open_session(
    app: &App,
    tx: &mut TenantTx,
    (tenant, mut user): (Arc<Tenant>, UserRow),
    amr: Vec<String>,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<SessionGrant> {
    check_sign_in_allowed(tx, &tenant, user.role_id).await?;
    let refresh = app
        .refresh_tokens
        .issue_first(tenant.id, SessionId::at(now));
    let expires_at = tenant_rules::session_end(&tenant, &app.settings, now, now);
    let (device_name, agent) = (
        device.name.as_ref().map(SingleLine::as_str),
        user_agent(headers),
    );
    let device_hash = device::fingerprint(agent, device_name);
    if sessions::is_new_device(tx, user.id, &device_hash).await? {
        let announcement = Announcement {
            kind: &SESSION_NEW_DEVICE,
            subject: format!("sessions/{}", refresh.session),
            version: 0,
            data: json!({"user_id": user.id, "session_id": refresh.session, "device": device::describe(agent)}),
            sealed: None,
        };
        events::announce(tx, request, now, announcement).await?;
    }
    let new = NewSession {
        id: refresh.session,
        user: user.id,
        refresh_hash: refresh.hash(),
        amr: &amr,
        device_name,
        user_agent: agent,
        device_hash,
        address: request.address().map(|address| address.to_string()),
        expires_at,
    };
    sessions::insert_session(tx, &new, now).await?;
    // Writes nothing in most cases: see `note_seen`.
    accounts::touch_last_seen(tx, user.id, now).await?;
    user.last_seen_at = user.last_seen_at.max(Some(now));
    Ok(SessionGrant {
        tenant,
        user,
        refresh,
        amr,
        authenticated_at: now,
        expires_at,
    })
}

/// The `User-Agent`, truncated. Header values are visible ASCII, so bytes are characters.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    text.get(..text.len().min(MAX_USER_AGENT_LENGTH))
}

/// The claims of an access token.
#[derive(Debug)]
pub(crate) struct AccessTokenSubject<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) role: &'a str,
    pub(crate) amr: Vec<String>,
    pub(crate) authenticated_at: DateTime<Utc>,
}

impl AccessTokenSubject<'_> {
    /// Signs a new access token.
    pub(crate) fn sign(self, app: &App, signer: &Signer, now: DateTime<Utc>) -> Result<String> {
        let claims = Claims {
            iss: app.state.settings().public_url.clone(),
            aud: AUDIENCE.to_owned(),
            sub: self.user,
            tid: self.tenant,
            sid: self.session,
            role: self.role.to_owned(),
            aal: Assurance::of(&self.amr),
            amr: self.amr,
            auth_time: self.authenticated_at.timestamp(),
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
            jti: EventId::at(now).to_string(),
            act: None,
        };
        signer.sign(&claims).map_err(Problem::internal)
    }
}

impl SessionGrant {
    /// The response with the new tokens.
    pub(crate) fn into_response(
        self,
        app: &App,
        signer: &Signer,
        mode: RefreshMode,
        now: DateTime<Utc>,
    ) -> Result<Response> {
        let subject = AccessTokenSubject {
            tenant: self.tenant.id,
            user: self.user.id,
            session: self.refresh.session,
            role: &self.user.role,
            amr: self.amr,
            authenticated_at: self.authenticated_at,
        };
        let access_token = subject.sign(app, signer, now)?;
        let refresh = self.refresh.to_text();
        let (refresh_token, set_cookie) = match mode {
            RefreshMode::Body => (Some(refresh), None),
            RefreshMode::Cookie => (
                None,
                Some(cookie::set_refresh_cookie(
                    &app.state,
                    &refresh,
                    self.expires_at - now,
                )?),
            ),
        };
        let answer = TokenAnswer {
            access_token,
            token_type: "Bearer",
            expires_in: LIFETIME.num_seconds(),
            refresh_token,
            user: User::from_row(self.user, true),
        };
        let mut response = Json(answer).into_response();
        if let Some(set_cookie) = set_cookie {
            response
                .headers_mut()
                .append(header::SET_COOKIE, set_cookie);
        }
        Ok(response)
    }
}

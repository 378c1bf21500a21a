//! The client's device, and the response with the tokens of a session.

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
use http::{HeaderMap, header};
use ids::{EventId, SessionId, TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Problem, SingleLine, problem::Result};

use super::cookie::{self, RefreshMode};
use crate::{App, domain::refresh_token::RefreshToken, http::people::User, store::users::UserRow};

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
    /// The device as the client describes it.
    pub(crate) fn new(mode: Option<RefreshMode>, name: Option<SingleLine<1, 100>>) -> Self {
        Self {
            mode: mode.unwrap_or_default(),
            name,
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

//! A session and the answer that hands out its tokens: the same for every way of signing in.

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
use web::{SingleLine, Problem, RequestInfo, problem::Result};

use super::cookie::{self, RefreshMode};
use crate::{
    App,
    domain::{device, refresh_token::RefreshToken, tenant_rules},
    events::SESSION_NEW_DEVICE,
    http::{people::User, tenant::check_let_in},
    store::{
        accounts,
        sessions::{self, NewSession},
        users::UserRow,
    },
};

/// Longest `User-Agent` that is kept.
const LONGEST_USER_AGENT: usize = 400;

/// Somebody is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds for which the access token is good.
    #[schema(example = 600)]
    expires_in: i64,
    /// For `POST /auth/refresh`, once; missing when it came as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh_token: Option<String>,
    /// Who it is.
    user: User,
}

/// What the client says about itself and its wishes.
#[derive(Debug, Default)]
pub(crate) struct Device {
    pub(crate) mode: RefreshMode,
    pub(crate) name: Option<SingleLine<1, 100>>,
}

impl Device {
    /// Refuses a page that may not sign in so; one that wants a cookie has more to show.
    pub(crate) async fn check_page(
        &self,
        app: &App,
        headers: &HeaderMap,
        tenant: Option<TenantId>,
    ) -> Result<()> {
        match self.mode {
            RefreshMode::Body => cookie::check_page(&app.state, headers, tenant).await,
            RefreshMode::Cookie => cookie::check(&app.state, headers, tenant).await,
        }
    }
}

/// The tokens of a session, ready to be handed out.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) user: UserRow,
    pub(crate) refresh: RefreshToken,
    pub(crate) amr: Vec<String>,
    pub(crate) proved_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Opens a session for a person who has just proved who they are.
pub(crate) async fn open_session(
    app: &App,
    tx: &mut TenantTx,
    (tenant, mut user): (Arc<Tenant>, UserRow),
    amr: Vec<String>,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Granted> {
    check_let_in(tx, &tenant, user.role_id).await?;
    let refresh = app.refresh_tokens.first(tenant.id, SessionId::at(now));
    let expires_at = tenant_rules::session_end(&tenant, &app.settings, now, now);
    let (device_name, agent) = (device.name.as_ref().map(SingleLine::as_str), user_agent(headers));
    let device_hash = device::fingerprint(agent, device_name);
    if sessions::is_new_device(tx, user.id, &device_hash).await? {
        let announcement = Announcement {
            kind: &SESSION_NEW_DEVICE,
            subject: format!("sessions/{}", refresh.session),
            version: 0,
            data: json!({"user_id": user.id, "session_id": refresh.session, "device": device::words(agent)}),
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
    // Most sign-ins and refreshes write nothing here: see `note_seen`.
    accounts::note_seen(tx, user.id, now).await?;
    user.last_seen_at = user.last_seen_at.max(Some(now));
    Ok(Granted {
        tenant,
        user,
        refresh,
        amr,
        proved_at: now,
        expires_at,
    })
}

/// Header values are visible ASCII here, so bytes are characters.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    text.get(..text.len().min(LONGEST_USER_AGENT))
}

/// Whom an access token is for.
#[derive(Debug)]
pub(crate) struct Bearer<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) role: &'a str,
    pub(crate) amr: Vec<String>,
    pub(crate) proved_at: DateTime<Utc>,
}

impl Bearer<'_> {
    /// A fresh access token.
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
            auth_time: self.proved_at.timestamp(),
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
            jti: EventId::at(now).to_string(),
            act: None,
        };
        signer.sign(&claims).map_err(Problem::internal)
    }
}

impl Granted {
    /// The answer with fresh tokens.
    pub(crate) fn answer(
        self,
        app: &App,
        signer: &Signer,
        mode: RefreshMode,
        now: DateTime<Utc>,
    ) -> Result<Response> {
        let bearer = Bearer {
            tenant: self.tenant.id,
            user: self.user.id,
            session: self.refresh.session,
            role: &self.user.role,
            amr: self.amr,
            proved_at: self.proved_at,
        };
        let access_token = bearer.sign(app, signer, now)?;
        let refresh = self.refresh.to_text();
        let (refresh_token, set_cookie) = match mode {
            RefreshMode::Body => (Some(refresh), None),
            RefreshMode::Cookie => (
                None,
                Some(cookie::set(&app.state, &refresh, self.expires_at - now)?),
            ),
        };
        let answer = TokenAnswer {
            access_token,
            token_type: "Bearer",
            expires_in: LIFETIME.num_seconds(),
            refresh_token,
            user: User::shown(self.user, true),
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

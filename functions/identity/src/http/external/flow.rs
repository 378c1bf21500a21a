//! The state of a sign-in at a provider, sealed in a cookie of the browser that began it.
//!
//! The seal is bound to `state`, so a cookie opens only with its own `state`. `SameSite=Lax` is sent when the provider redirects
//! by `GET`; a form that the provider posts requires `None`.

use crate::ids::OauthFlow;
use crate::ids::OauthFlowId;
use access::{
    Purpose,
    opaque::{self, Opaque},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};
use ids::{TenantId, UserId};
use serde::{Deserialize, Serialize};
use web::{Problem, fields::Secret, problem::Result};

use crate::{
    App,
    error::{INVALID_SIGN_IN_CODE, SIGN_IN_EXPIRED, unauthorized},
    http::sessions::cookie,
    oidc::{Provider, Secrets},
};

/// A sign-in code, as sent by the page.
pub(crate) type CodeInput = Secret<1, 256>;

/// A sign-in in progress.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Flow {
    pub(super) provider: String,
    /// Validated before it was sealed.
    pub(super) redirect_to: String,
    /// The hash of the verifier that the page must present with the code.
    pub(super) challenge: Option<[u8; 32]>,
    /// The user who links an identity; such a flow does not sign in.
    pub(super) linking: Option<UserId>,
    nonce: String,
    verifier: String,
    expires: i64,
}

impl Flow {
    /// A new flow.
    pub(super) fn new(
        app: &App,
        provider: &Provider,
        redirect_to: String,
        now: DateTime<Utc>,
    ) -> Self {
        let random = || URL_SAFE_NO_PAD.encode(opaque::random::<32>());
        Self {
            provider: provider.name.clone(),
            redirect_to,
            challenge: None,
            linking: None,
            nonce: random(),
            verifier: random(),
            expires: (now + app.settings.oauth_flow_lifetime).timestamp(),
        }
    }

    /// The values to send to the provider.
    pub(super) fn secrets(&self) -> Secrets<'_> {
        Secrets {
            nonce: &self.nonce,
            verifier: &self.verifier,
        }
    }

    /// The `state`, and `Set-Cookie` for the browser.
    pub(super) fn seal(
        &self,
        app: &App,
        tenant: TenantId,
        form_post: bool,
        now: DateTime<Utc>,
    ) -> Result<(String, HeaderValue)> {
        let state = Opaque::<OauthFlow>::generate(tenant, OauthFlowId::at(now));
        let text = state.to_text();
        let plain = serde_json::to_vec(self).map_err(Problem::internal)?;
        let sealed = app
            .state
            .keyring()
            .seal(Purpose::SignInFlows, text.as_bytes(), &plain)
            .map_err(Problem::internal)?;
        let lifetime = app.settings.oauth_flow_lifetime.num_seconds();
        let value = URL_SAFE_NO_PAD.encode(sealed);
        let cookie = set_cookie(app, state.row, &value, lifetime, form_post)?;
        Ok((text, cookie))
    }

    /// Opens the flow that belongs to `state` and this browser.
    pub(super) fn open(
        app: &App,
        headers: &HeaderMap,
        provider: &str,
        state: &str,
        now: DateTime<Utc>,
    ) -> Result<(Opaque<OauthFlow>, Self)> {
        let opened = || -> Option<(Opaque<OauthFlow>, Self)> {
            let token = Opaque::<OauthFlow>::parse(state)?;
            let sealed = cookie::find_cookie(headers, &cookie_name(app, token.row))?;
            let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
            let keyring = app.state.keyring();
            let plain = keyring
                .open(Purpose::SignInFlows, state.as_bytes(), &sealed)
                .ok()?;
            let flow: Self = serde_json::from_slice(&plain).ok()?;
            (flow.provider == provider && now.timestamp() < flow.expires).then_some((token, flow))
        };
        opened().ok_or_else(|| SIGN_IN_EXPIRED.problem())
    }
}

/// One cookie per flow, so that tabs do not interfere with each other.
fn cookie_name(app: &App, flow: OauthFlowId) -> String {
    let prefix = if cookie::is_without_tls(&app.state) {
        ""
    } else {
        "__Host-"
    };
    format!("{prefix}oauth-{flow}")
}

fn set_cookie(
    app: &App,
    flow: OauthFlowId,
    value: &str,
    seconds: i64,
    form_post: bool,
) -> Result<HeaderValue> {
    let name = cookie_name(app, flow);
    let same_site = if form_post { "None" } else { "Lax" };
    let secure = if cookie::is_without_tls(&app.state) {
        ""
    } else {
        "; Secure"
    };
    HeaderValue::try_from(format!(
        "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}"
    ))
    .map_err(Problem::internal)
}

/// `Set-Cookie` that deletes the cookie.
pub(super) fn clear(app: &App, flow: OauthFlowId, form_post: bool) -> Result<HeaderValue> {
    set_cookie(app, flow, "", 0, form_post)
}

/// Parses a code; a malformed one is refused like an unknown one.
pub(crate) fn parse_code(code: &CodeInput) -> Result<Opaque<OauthFlow>> {
    Opaque::parse(code.expose()).ok_or_else(|| unauthorized(&INVALID_SIGN_IN_CODE))
}

//! Continues a sign-in after the first factor: creates a session, or requires the second factor.

use std::sync::Arc;

use access::{
    Tenant, audit,
    opaque::{Opaque, sha256},
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use db::TenantTx;
use http::HeaderMap;
use ids::{MfaChallenge, MfaChallengeId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{RequestInfo, SingleLine, problem::Result};

use crate::{
    App,
    domain::factor::FactorMethod,
    http::{
        factors::relying_party,
        sessions::session::{Device, SessionGrant, TokenAnswer, open_session},
    },
    store::{
        mfa_challenges::{self, PendingMfa},
        passkeys,
        second_factors::{self, SecondFactors},
        users::UserRow,
    },
};

/// The first factor, with the RFC 8176 name where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthMethod {
    /// The password.
    Password,
    /// An accepted invitation with a new password.
    Invite,
    /// A sign-in link sent by email.
    MagicLink,
    /// Sign-in at an OpenID Connect provider.
    External,
}

impl AuthMethod {
    /// The values added to `amr`.
    pub(crate) fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password | Self::Invite => &["pwd"],
            Self::MagicLink => &["mail"],
            // RFC 8176 has no value for this.
            Self::External => &["fed"],
        }
    }
}

/// The result of a verified first factor.
#[derive(Debug)]
pub(crate) enum SignInOutcome {
    /// The user is signed in.
    Session(Box<SessionGrant>),
    /// The second factor is required first.
    MfaRequired(MfaRequired),
}

/// The result of a sign-in: tokens, or the second factor that is required first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "describes the two responses, which are built elsewhere"
)]
pub(crate) enum SignInAnswer {
    /// The tokens of the new session.
    Tokens(TokenAnswer),
    /// The second factor is required first.
    SecondFactor(MfaRequired),
}

/// The first factor was verified; the second one is required at `POST /auth/mfa`.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
pub(crate) struct MfaRequired {
    /// Always `true`.
    #[schema(example = true)]
    mfa_required: bool,
    /// Token for `POST /auth/mfa`, usable for one successful sign-in.
    mfa_token: String,
    /// Lifetime of `mfa_token` in seconds.
    #[schema(example = 300)]
    expires_in: i64,
    /// Second factors that the user can use.
    #[schema(example = json!(["totp", "recovery_code"]))]
    methods: Vec<FactorMethod>,
    /// Options for `PublicKeyCredential.parseRequestOptionsFromJSON()`. Omitted if the user has no passkey for this page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    passkey_options: Option<Value>,
}

/// Creates a session after the first factor, or stores the sign-in until the second factor is verified, if the user has one. Runs in
/// the transaction that used the first factor.
///
/// The caller has checked that the user is active.
pub(crate) async fn complete_first_factor(
    app: &App,
    tx: &mut TenantTx,
    (tenant, user): (Arc<Tenant>, UserRow),
    auth_method: AuthMethod,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<SignInOutcome> {
    let amr = auth_method.amr().iter().map(ToString::to_string).collect();
    let factors = second_factors::find_factors(tx, user.id).await?;
    if factors.has_any() {
        let pending = PendingMfa {
            user: user.id,
            amr,
            refresh_mode: device.mode,
            device_name: device.name.as_ref().map(|name| name.as_str().to_owned()),
        };
        let rp_id = relying_party::rp_id_of_request(app, headers);
        let required = begin_mfa(app, tx, &pending, (factors, &rp_id), now).await?;
        return Ok(SignInOutcome::MfaRequired(required));
    }
    issue_session(
        app,
        tx,
        (tenant, user),
        amr,
        (request, headers, device),
        now,
    )
    .await
}

async fn begin_mfa(
    app: &App,
    tx: &mut TenantTx,
    pending: &PendingMfa,
    (factors, rp_id): (SecondFactors, &str),
    now: DateTime<Utc>,
) -> Result<MfaRequired> {
    let token = Opaque::<MfaChallenge>::generate(tx.tenant(), MfaChallengeId::at(now));
    let ttl = app.settings.mfa_challenge_ttl;
    mfa_challenges::insert_challenge(tx, &token, pending, (now, now + ttl)).await?;
    let known = passkeys::list_passkeys(tx, pending.user).await?;
    let has_passkey = known.iter().any(|passkey| passkey.rp_id == rp_id);
    let passkey_options = has_passkey.then(|| {
        let challenge = URL_SAFE_NO_PAD.encode(passkey_challenge(&token));
        let timeout_ms = ttl.num_milliseconds();
        relying_party::request_options(rp_id, &challenge, &known, "preferred", timeout_ms)
    });
    let possible = [
        (FactorMethod::Totp, factors.totp),
        (FactorMethod::Passkey, has_passkey),
        (FactorMethod::RecoveryCode, factors.recovery_codes > 0),
    ];
    Ok(MfaRequired {
        mfa_required: true,
        mfa_token: token.to_text(),
        expires_in: ttl.num_seconds(),
        methods: possible
            .into_iter()
            .filter_map(|(method, available)| available.then_some(method))
            .collect(),
        passkey_options,
    })
}

/// The challenge for a passkey as second factor, derived from the single-use token.
pub(crate) fn passkey_challenge(token: &Opaque<MfaChallenge>) -> [u8; 32] {
    sha256(format!("passkey\n{}", token.to_text()).as_bytes())
}

/// Creates the session of a user who has completed all factors.
pub(crate) async fn issue_session(
    app: &App,
    tx: &mut TenantTx,
    (tenant, user): (Arc<Tenant>, UserRow),
    amr: Vec<String>,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<SignInOutcome> {
    let grant = open_session(
        app,
        tx,
        (tenant, user),
        amr,
        (request, headers, device),
        now,
    )
    .await?;
    let entry = audit::Entry::new("identity.session.started", "session", grant.refresh.session);
    audit::record(tx, request, now, None, entry).await?;
    Ok(SignInOutcome::Session(Box::new(grant)))
}

impl PendingMfa {
    /// The device as described when the sign-in began.
    pub(crate) fn device(&self) -> Device {
        Device {
            mode: self.refresh_mode,
            name: self
                .device_name
                .as_deref()
                .and_then(|name| SingleLine::parse(name).ok()),
        }
    }
}

impl SignInOutcome {
    /// The response, to be sent once the transaction is committed.
    pub(crate) async fn into_response(
        self,
        app: &App,
        device: &Device,
        now: DateTime<Utc>,
    ) -> Result<Response> {
        match self {
            Self::Session(grant) => {
                let signer = app.signer().await?;
                grant.into_response(app, &signer, device.mode, now)
            }
            Self::MfaRequired(required) => Ok(Json(required).into_response()),
        }
    }
}

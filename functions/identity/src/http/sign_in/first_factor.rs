//! What follows once somebody has proved who they are, whichever way they came: a session, or a wait for the second factor.

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
use web::{SingleLine, RequestInfo, problem::Result};

use crate::{
    App,
    domain::factor::FactorMethod,
    http::{
        factors::relying_party,
        sessions::session::{Device, Granted, TokenAnswer, open_session},
    },
    store::{
        mfa_challenges::{self, Waiting},
        passkeys,
        second_factors::{self, SecondFactors},
        users::UserRow,
    },
};

/// How somebody proved who they are, as RFC 8176 names it where it has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The password.
    Password,
    /// An invitation opened and a password chosen.
    Invite,
    /// A link opened that was sent by mail.
    MagicLink,
    /// The word of another issuer.
    External,
}

impl Proof {
    /// The members that it adds to `amr`.
    pub(crate) fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password | Self::Invite => &["pwd"],
            Self::MagicLink => &["mail"],
            // RFC 8176 has no name for it.
            Self::External => &["fed"],
        }
    }
}

/// What somebody gets who has proved who they are.
#[derive(Debug)]
pub(crate) enum Entered {
    /// A session.
    Session(Box<Granted>),
    /// Nothing yet: the second factor comes first.
    SecondFactor(MfaRequired),
}

/// What signing in answers: tokens, or with a second factor enrolled what to prove it with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "describes the two answers, each of which is made elsewhere"
)]
pub(crate) enum SignInAnswer {
    /// Signed in.
    Tokens(TokenAnswer),
    /// The second factor comes first.
    SecondFactor(MfaRequired),
}

/// The first proof was right; the second factor comes at `POST /auth/mfa`.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
pub(crate) struct MfaRequired {
    /// Always `true`.
    #[schema(example = true)]
    mfa_required: bool,
    /// For `POST /auth/mfa`, once.
    mfa_token: String,
    /// Seconds for which the token is good.
    #[schema(example = 300)]
    expires_in: i64,
    /// What the person can prove it with.
    #[schema(example = json!(["totp", "recovery_code"]))]
    methods: Vec<FactorMethod>,
    /// What to ask an authenticator, for `PublicKeyCredential.parseRequestOptionsFromJSON()`; missing without passkeys for
    /// this page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    passkey_options: Option<Value>,
}

/// Lets a person in whose first proof was right, in the transaction that used it up; or keeps the sign-in until the second
/// factor is proved, if the person has one.
///
/// The person must be active; whoever calls has checked that.
pub(crate) async fn enter(
    app: &App,
    tx: &mut TenantTx,
    (tenant, user): (Arc<Tenant>, UserRow),
    proof: Proof,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Entered> {
    let amr = proof.amr().iter().map(ToString::to_string).collect();
    let factors = second_factors::find_factors(tx, user.id).await?;
    if factors.any() {
        let waiting = Waiting {
            user: user.id,
            amr,
            refresh_mode: device.mode,
            device_name: device.name.as_ref().map(|name| name.as_str().to_owned()),
        };
        let rp_id = relying_party::of_request(app, headers);
        let waits = wait(app, tx, &waiting, (factors, &rp_id), now).await?;
        return Ok(Entered::SecondFactor(waits));
    }
    admit(
        app,
        tx,
        (tenant, user),
        amr,
        (request, headers, device),
        now,
    )
    .await
}

async fn wait(
    app: &App,
    tx: &mut TenantTx,
    waiting: &Waiting,
    (factors, rp_id): (SecondFactors, &str),
    now: DateTime<Utc>,
) -> Result<MfaRequired> {
    let token = Opaque::<MfaChallenge>::generate(tx.tenant(), MfaChallengeId::at(now));
    let patience = app.settings.factor_patience;
    mfa_challenges::insert_challenge(tx, &token, waiting, (now, now + patience)).await?;
    let known = passkeys::list_passkeys(tx, waiting.user).await?;
    let here = known.iter().any(|passkey| passkey.rp_id == rp_id);
    let passkey_options = here.then(|| {
        let challenge = URL_SAFE_NO_PAD.encode(passkey_challenge(&token));
        let timeout_ms = patience.num_milliseconds();
        relying_party::request_options(rp_id, &challenge, &known, "preferred", timeout_ms)
    });
    let possible = [
        (FactorMethod::Totp, factors.totp),
        (FactorMethod::Passkey, here),
        (FactorMethod::RecoveryCode, factors.recovery_codes > 0),
    ];
    Ok(MfaRequired {
        mfa_required: true,
        mfa_token: token.to_text(),
        expires_in: patience.num_seconds(),
        methods: possible
            .into_iter()
            .filter_map(|(method, there)| there.then_some(method))
            .collect(),
        passkey_options,
    })
}

/// What an authenticator signs as second factor: it follows from the token, which is good once.
pub(crate) fn passkey_challenge(token: &Opaque<MfaChallenge>) -> [u8; 32] {
    sha256(format!("passkey\n{}", token.to_text()).as_bytes())
}

/// Opens the session of a person who has proved everything.
pub(crate) async fn admit(
    app: &App,
    tx: &mut TenantTx,
    (tenant, user): (Arc<Tenant>, UserRow),
    amr: Vec<String>,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Entered> {
    let granted = open_session(
        app,
        tx,
        (tenant, user),
        amr,
        (request, headers, device),
        now,
    )
    .await?;
    let entry = audit::Entry::new(
        "identity.session.started",
        "session",
        granted.refresh.session,
    );
    audit::record(tx, request, now, None, entry).await?;
    Ok(Entered::Session(Box::new(granted)))
}

impl Waiting {
    /// The device as it was described when the sign-in began.
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

impl Entered {
    /// The answer, once the transaction is committed.
    pub(crate) async fn answer(
        self,
        app: &App,
        device: &Device,
        now: DateTime<Utc>,
    ) -> Result<Response> {
        match self {
            Self::Session(granted) => {
                let signer = app.signer().await?;
                granted.answer(app, &signer, device.mode, now)
            }
            Self::SecondFactor(required) => Ok(Json(required).into_response()),
        }
    }
}

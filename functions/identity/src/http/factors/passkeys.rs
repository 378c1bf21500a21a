//! One's own passkeys.

use access::{Caller, Enrolling, Reach, opaque::Opaque};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use db::Actor;
use http::{HeaderMap, StatusCode, header};
use ids::{PasskeyChallenge, PasskeyChallengeId, PasskeyId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{
    SingleLine, PathIds, Problem, ValidJson,
    problem::{self, Result},
};

use super::{
    relying_party::{self, GivenBytes, decode},
    second_factor::{Me, ProvedToken, end_waiting, prove, tell},
};
use crate::{
    App,
    domain::{
        factor::FactorMethod,
        recovery_code::RecoveryCode,
        webauthn::{self, ClientData, Expected, Refused},
    },
    error::{PASSKEY_EXISTS, PROOF_REFUSED, TOO_MANY_FACTORS},
    events::{MFA_DISABLED, MFA_ENABLED},
    store::{
        passkeys::{self, PasskeyRow},
        recovery_codes, second_factors, users,
    },
};

/// What the browser is to ask an authenticator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyOptions {
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON()` or `parseRequestOptionsFromJSON()`.
    #[schema(value_type = Object)]
    pub(crate) public_key: Value,
    /// Until when the answer is taken.
    pub(crate) expires_at: DateTime<Utc>,
}

web::body! {
    /// A `PublicKeyCredential` with its `AuthenticatorAttestationResponse`; bytes are base64url without padding.
    pub struct RegisterPasskey {
        /// How the person calls the authenticator.
        pub name: SingleLine<1, 100>,
        /// `response.clientDataJSON`.
        pub client_data_json: GivenBytes,
        /// `response.attestationObject`.
        pub attestation_object: GivenBytes,
    }
}

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Passkey {
    id: PasskeyId,
    /// How the person calls the authenticator.
    #[schema(example = "Telephone")]
    name: String,
    /// On pages of which host it is good.
    #[schema(example = "app.demo.example")]
    rp_id: String,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<PasskeyRow> for Passkey {
    fn from(row: PasskeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            rp_id: row.rp_id,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// All of them: there are never many.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Passkeys {
    items: Vec<Passkey>,
    /// Always null.
    next_cursor: Option<String>,
}

/// The passkey is in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyRegistered {
    passkey: Passkey,
    /// Codes for the day on which all factors are gone, each good once. Shown once; null when there are some already.
    #[schema(example = json!(["gezd-gnbv-gy3t-qojq"]))]
    recovery_codes: Option<Vec<String>>,
    #[serde(flatten)]
    token: ProvedToken,
}

/// List one's own passkeys.
#[utoipa::path(get, path = "/auth/passkeys", responses((status = 200, body = Passkeys, description = "All of them.")))]
pub(crate) async fn list_passkeys(
    State(app): State<App>,
    caller: Caller<Enrolling>,
) -> Result<Json<Passkeys>> {
    let me = Me::of(&caller)?;
    let mut tx = app
        .db
        .begin_read_only(me.tenant, Actor::user(me.user))
        .await?;
    let rows = passkeys::list_passkeys(&mut tx, me.user).await?;
    tx.commit().await?;
    Ok(Json(Passkeys {
        items: rows.into_iter().map(Passkey::from).collect(),
        next_cursor: None,
    }))
}

/// Begin to add a passkey. Needs a recent proof.
#[utoipa::path(post, path = "/auth/passkeys/options", responses((status = 200, body = PasskeyOptions, description = "What to ask the authenticator.")))]
pub(crate) async fn start_passkey(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    headers: HeaderMap,
) -> Result<Json<PasskeyOptions>> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    caller.require_recent_authentication(now)?;
    let rp_id = relying_party::of_request(&app, &headers);
    let organisation = app.state.authenticator().tenant(me.tenant).await?;
    let organisation = organisation.ok_or(&problem::NOT_FOUND)?;
    let patience = app.settings.factor_patience;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    let user = users::find_user(&mut tx, Reach::Own(me.user), me.user, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if second_factors::find_factors(&mut tx, me.user).await?.full() {
        return Err(TOO_MANY_FACTORS.problem());
    }
    let known = passkeys::list_passkeys(&mut tx, me.user).await?;
    let challenge = Opaque::<PasskeyChallenge>::generate(me.tenant, PasskeyChallengeId::at(now));
    let times = (now, now + patience);
    passkeys::insert_passkey_challenge(&mut tx, &challenge, Some(me.user), times).await?;
    tx.commit().await?;
    let rp = (rp_id.as_str(), organisation.name.as_str());
    let timeout_ms = patience.num_milliseconds();
    Ok(Json(PasskeyOptions {
        public_key: relying_party::creation_options(rp, &user, &challenge, &known, timeout_ms),
        expires_at: now + patience,
    }))
}

/// Add the passkey that the authenticator has made; this session has then proved both factors.
#[utoipa::path(post, path = "/auth/passkeys", responses((status = 201, body = PasskeyRegistered, description = "It is in force.")))]
pub(crate) async fn register_passkey(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    body: ValidJson<RegisterPasskey>,
) -> Result<(
    StatusCode,
    [(header::HeaderName, &'static str); 1],
    Json<PasskeyRegistered>,
)> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    let not_believed = |refused: Refused| {
        tracing::info!(%refused, "passkey");
        PROOF_REFUSED.problem()
    };
    let client_data = decode(&body.value.client_data_json)
        .and_then(|json| ClientData::parse(&json))
        .map_err(not_believed)?;
    let attestation = decode(&body.value.attestation_object).map_err(not_believed)?;
    let challenge = relying_party::challenge_of(&client_data).ok_or(&PROOF_REFUSED)?;
    let rp_id = relying_party::of_client_data(&app, &client_data, me.tenant)
        .await?
        .ok_or(&PROOF_REFUSED)?;
    let expected = Expected {
        challenge: &relying_party::bytes_of(&challenge),
        rp_id: &rp_id,
        verified: false,
    };
    let made = webauthn::register(&client_data, &attestation, expected).map_err(not_believed)?;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    users::lock_user(&mut tx, Reach::Own(me.user), me.user).await?;
    let mine = challenge.tenant == me.tenant;
    if !mine || !passkeys::use_passkey_challenge(&mut tx, &challenge, Some(me.user), now).await? {
        return Err(PROOF_REFUSED.problem());
    }
    let before = second_factors::find_factors(&mut tx, me.user).await?;
    if before.full() {
        return Err(TOO_MANY_FACTORS.problem());
    }
    let row = PasskeyRow {
        id: PasskeyId::at(now),
        user: me.user,
        rp_id,
        credential_id: made.credential_id,
        public_key: made.public_key,
        name: body.value.name.into_string(),
        last_used_at: None,
        created_at: now,
    };
    if !passkeys::insert_passkey(&mut tx, &row, made.sign_count).await? {
        return Err(PASSKEY_EXISTS.problem());
    }
    let codes = if before.any() {
        None
    } else {
        let codes = RecoveryCode::generate();
        recovery_codes::replace_recovery_codes(&mut tx, me.user, &codes, now).await?;
        Some(codes.iter().map(RecoveryCode::to_text).collect())
    };
    let told = (caller.request(), caller.reason.as_deref());
    let change = (&MFA_ENABLED, FactorMethod::Passkey.as_str());
    tell(&mut tx, told, me.user, change, now).await?;
    let amr = FactorMethod::Passkey.added_to(caller.amr.clone());
    let token = prove(&app, &mut tx, (me, &caller.role), amr, now).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    let registered = PasskeyRegistered {
        passkey: row.into(),
        recovery_codes: codes,
        token,
    };
    let location = [(header::LOCATION, "/api/v1/auth/passkeys")];
    Ok((StatusCode::CREATED, location, Json(registered)))
}

/// Remove one of one's own passkeys. With the last factor the recovery codes go. Needs a recent proof.
#[utoipa::path(delete, path = "/auth/passkeys/{id}", responses((status = 204, description = "Removed.")))]
pub(crate) async fn delete_passkey(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    PathIds(id): PathIds<PasskeyId>,
) -> Result<StatusCode> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    caller.require_recent_authentication(now)?;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    users::lock_user(&mut tx, Reach::Own(me.user), me.user).await?;
    end_waiting(&mut tx, me.user, now).await?;
    if passkeys::delete_passkeys(&mut tx, me.user, Some(id)).await? == 0 {
        return Err(Problem::from(&problem::NOT_FOUND));
    }
    let told = (caller.request(), caller.reason.as_deref());
    let change = (&MFA_DISABLED, FactorMethod::Passkey.as_str());
    tell(&mut tx, told, me.user, change, now).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

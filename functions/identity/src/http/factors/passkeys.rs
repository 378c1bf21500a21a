//! The passkeys of the signed-in user.

use crate::ids::PasskeyChallenge;
use crate::ids::{PasskeyChallengeId, PasskeyId};
use access::list::{Entry, ListQuery, Listed};
use access::{Caller, Enrolling, Reach, Recent, opaque::Opaque};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::Page;
use web::{
    PathIds, Problem, SingleLine, ValidJson,
    problem::{self, Result},
};

use super::{
    relying_party::{self, Base64Input, decode},
    second_factor::{NewFactor, StepUpToken, enrol, finish_removal},
};
use crate::{
    App,
    domain::{
        factor::RemovedFactor,
        webauthn::{self, Expected, WebauthnError},
    },
    error::{PROOF_REFUSED, TOO_MANY_FACTORS},
    http::current_user::CurrentUser,
    store::{
        mfa_challenges,
        passkeys::{self, PasskeyRow},
        second_factors, users,
    },
};

/// Options for the browser's `WebAuthn` API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyOptions {
    /// Options for `PublicKeyCredential.parseCreationOptionsFromJSON()` or `parseRequestOptionsFromJSON()`.
    #[schema(value_type = Object)]
    pub(crate) public_key: Value,
    /// When the options expire.
    pub(crate) expires_at: DateTime<Utc>,
}

web::body! {
    /// A `PublicKeyCredential` with its `AuthenticatorAttestationResponse`; bytes are base64url without padding.
    pub struct RegisterPasskey {
        /// Name of the passkey, chosen by the user.
        pub name: SingleLine<1, 100>,
        /// `response.clientDataJSON`.
        pub client_data_json: Base64Input,
        /// `response.attestationObject`.
        pub attestation_object: Base64Input,
    }
}

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Passkey {
    /// Identifier of the passkey.
    id: PasskeyId,
    /// Name of the passkey, chosen by the user.
    #[schema(example = "Telephone")]
    name: String,
    /// Relying party ID: the host on whose pages the passkey works.
    #[schema(example = "app.demo.example")]
    rp_id: String,
    /// When the passkey was registered.
    created_at: DateTime<Utc>,
    /// When the passkey was last used; null if never.
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

/// The registered passkey.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyRegistered {
    /// The new passkey.
    passkey: Passkey,
    /// Recovery codes, each usable once and shown only here. Null if the user already has recovery codes.
    #[schema(example = json!(["gezd-gnbv-gy3t-qojq"]))]
    recovery_codes: Option<Vec<String>>,
    #[serde(flatten)]
    token: StepUpToken,
}

web::query! {
    /// No filters.
    pub(crate) struct ListPasskeys {}
}

/// List your passkeys
///
/// Returns the passkeys of the signed-in user, oldest first. Public keys are not included.
#[utoipa::path(get, path = "/auth/passkeys", responses((status = 200, body = Page<Passkey>, description = "A page of passkeys.")))]
pub(crate) async fn list_passkeys(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    query: ListQuery<ListPasskeys>,
) -> Result<Listed<Passkey>> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut tx = me.begin_read_only(&app).await?;
    let rows = passkeys::list_passkeys(&mut tx, me.user).await?;
    let entry = |row: PasskeyRow| Entry {
        id: row.id.to_string(),
        changed_at: row.last_used_at.unwrap_or(row.created_at),
        item: Passkey::from(row),
    };
    let entries = rows.into_iter().map(entry).collect();
    let listed = query
        .items(&app.cursors, &caller, &mut tx, passkeys::NAME, entries)
        .await?;
    tx.commit().await?;
    Ok(listed)
}

/// Start registering a passkey
///
/// Returns the options for the browser's `WebAuthn` API. Requires authentication within the last 10 minutes
/// (`POST /auth/reauthenticate`).
#[utoipa::path(post, path = "/auth/passkeys/options", responses((status = 200, body = PasskeyOptions, description = "The options for the authenticator.")))]
pub(crate) async fn start_passkey(
    State(app): State<App>,
    caller: Caller<Recent<Enrolling>>,
    headers: HeaderMap,
) -> Result<Json<PasskeyOptions>> {
    let now = app.state.clock().now();
    let me = CurrentUser::from_caller(&caller)?;
    let rp_id = relying_party::rp_id_of_request(&app, &headers);
    let organisation = app.state.authenticator().tenant(me.tenant).await?;
    let organisation = organisation.ok_or(&problem::NOT_FOUND)?;
    let ttl = app.settings.mfa_challenge_ttl;
    let mut unit = me.begin(&app, &caller).await?;
    let user = users::find_user(&mut unit, Reach::Own(me.user), me.user, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if second_factors::find_factors(&mut unit, me.user)
        .await?
        .is_full()
    {
        return Err(TOO_MANY_FACTORS.problem());
    }
    let known = passkeys::list_passkeys(&mut unit, me.user).await?;
    let challenge = Opaque::<PasskeyChallenge>::generate(me.tenant, PasskeyChallengeId::at(now));
    let expires_at = now + ttl;
    passkeys::insert_passkey_challenge(&mut unit, &challenge, Some(me.user), expires_at).await?;
    unit.commit().await?;
    Ok(Json(PasskeyOptions {
        public_key: relying_party::creation_options(
            &rp_id,
            &organisation.name,
            &user,
            &challenge,
            &known,
            ttl.num_milliseconds(),
        ),
        expires_at,
    }))
}

/// Register a passkey
///
/// Takes the authenticator's response to the options from `POST /auth/passkeys/options`. The current session then counts as
/// authenticated with both factors. With the first factor the user also receives recovery codes.
#[utoipa::path(post, path = "/auth/passkeys", responses((status = 201, body = PasskeyRegistered, description = "The registered passkey.")))]
pub(crate) async fn register_passkey(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    body: ValidJson<RegisterPasskey>,
) -> Result<(
    StatusCode,
    [(header::HeaderName, &'static str); 1],
    Json<PasskeyRegistered>,
)> {
    let me = CurrentUser::from_caller(&caller)?;
    let refuse = |refused: WebauthnError| {
        tracing::info!(%refused, "passkey");
        PROOF_REFUSED.problem()
    };
    let client_data = decode(&body.value.client_data_json)
        .and_then(|json| relying_party::parse_client_data(&json))
        .map_err(refuse)?;
    let attestation = decode(&body.value.attestation_object).map_err(refuse)?;
    let challenge = relying_party::parse_challenge(&client_data).ok_or(&PROOF_REFUSED)?;
    let rp_id = relying_party::rp_id_of_client_data(&app, &client_data, me.tenant)
        .await?
        .ok_or(&PROOF_REFUSED)?;
    let expected = Expected {
        challenge: &relying_party::challenge_bytes(&challenge),
        rp_id: &rp_id,
        verified: false,
    };
    let made =
        webauthn::verify_registration(&client_data, &attestation, expected).map_err(refuse)?;
    let mut unit = me.begin(&app, &caller).await?;
    users::lock_user(&mut unit, Reach::Own(me.user), me.user).await?;
    let mine = challenge.tenant == me.tenant;
    if !mine || !passkeys::use_passkey_challenge(&mut unit, &challenge, Some(me.user)).await? {
        return Err(PROOF_REFUSED.problem());
    }
    let row = PasskeyRow {
        id: PasskeyId::at(unit.now()),
        user: me.user,
        rp_id,
        credential_id: made.credential_id,
        public_key: made.public_key,
        name: body.value.name.into_string(),
        last_used_at: None,
        created_at: unit.now(),
    };
    let factor = NewFactor::Passkey(&row, made.sign_count);
    let enrolled = enrol(&app, unit, &caller, factor).await?;
    let registered = PasskeyRegistered {
        passkey: row.into(),
        recovery_codes: enrolled.recovery_codes,
        token: enrolled.token,
    };
    let location = [(header::LOCATION, "/api/v1/auth/passkeys")];
    Ok((StatusCode::CREATED, location, Json(registered)))
}

/// Delete a passkey
///
/// Deleting the last second factor also deletes the recovery codes. Requires authentication within the last 10 minutes
/// (`POST /auth/reauthenticate`).
#[utoipa::path(delete, path = "/auth/passkeys/{id}", responses((status = 204, description = "The passkey has been deleted.")))]
pub(crate) async fn delete_passkey(
    State(app): State<App>,
    caller: Caller<Recent<Enrolling>>,
    PathIds(id): PathIds<PasskeyId>,
) -> Result<StatusCode> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut unit = me.begin(&app, &caller).await?;
    users::lock_user(&mut unit, Reach::Own(me.user), me.user).await?;
    mfa_challenges::void_challenges(&mut unit, me.user).await?;
    if passkeys::delete_passkeys(&mut unit, me.user, Some(id)).await? == 0 {
        return Err(Problem::from(&problem::NOT_FOUND));
    }
    finish_removal(&app, unit, me.user, RemovedFactor::Passkey).await?;
    Ok(StatusCode::NO_CONTENT)
}

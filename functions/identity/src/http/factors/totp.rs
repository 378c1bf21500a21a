//! The authenticator app of the signed-in user.

use access::{Caller, Enrolling, Reach, Recent};
use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Problem, ValidJson,
    problem::{self, Result},
};

use super::second_factor::{
    CodeInput, NewFactor, StepUpToken, enrol, finish_removal, open_totp_secret, seal_totp_secret,
};
use crate::{
    App,
    domain::{factor::RemovedFactor, qr_code, totp::TotpSecret},
    error::{FACTOR_EXISTS, NO_ENROLMENT, PROOF_REFUSED},
    http::current_user::CurrentUser,
    store::{mfa_challenges, totp, users},
};

/// The status of the user's authenticator app.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotpState {
    /// Whether an authenticator app is set up and confirmed.
    #[schema(example = true)]
    enabled: bool,
    /// When it was confirmed; null if it is not enabled.
    confirmed_at: Option<DateTime<Utc>>,
    /// Until when a new app can be confirmed; null if none is waiting for confirmation.
    pending_until: Option<DateTime<Utc>>,
}

/// An authenticator app that waits for its first code. The secret is shown only here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotpStarted {
    /// Secret in base32, for manual entry.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// `otpauth:` URI that opens the app on this device.
    #[schema(
        example = "otpauth://totp/Demo:ada%40demo.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Demo&algorithm=SHA1&digits=6&period=30"
    )]
    otpauth_uri: String,
    /// QR code of the URI, as a `data:` URL with a PNG.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo=")]
    qr_png: String,
    /// Until when the app can be confirmed.
    expires_at: DateTime<Utc>,
}

web::body! {
    /// The first code of a new authenticator app.
    pub struct ConfirmTotp {
        /// Six-digit code from the app.
        pub code: CodeInput,
    }
    example { "code": "287082" }
}

/// The authenticator app is confirmed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotpConfirmed {
    /// Recovery codes, each usable once and shown only here. Null if the user already has recovery codes.
    #[schema(example = json!(["gezd-gnbv-gy3t-qojq"]))]
    recovery_codes: Option<Vec<String>>,
    #[serde(flatten)]
    token: StepUpToken,
}

/// Get the authenticator app's status
///
/// Returns whether the signed-in user has a confirmed authenticator app, and whether one is waiting for confirmation.
#[utoipa::path(get, path = "/auth/mfa/totp", responses((status = 200, body = TotpState, description = "The status of the authenticator app.")))]
pub(crate) async fn get_totp(
    State(app): State<App>,
    caller: Caller<Enrolling>,
) -> Result<Json<TotpState>> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut tx = me.begin_read_only(&app).await?;
    let now = tx.now();
    let row = totp::find_totp(&mut tx, me.user).await?;
    tx.commit().await?;
    let confirmed_at = row.as_ref().and_then(|row| row.confirmed_at);
    Ok(Json(TotpState {
        enabled: confirmed_at.is_some(),
        confirmed_at,
        pending_until: row
            .and_then(|row| row.expires_at)
            .filter(|expires_at| *expires_at > now),
    }))
}

/// Start setting up an authenticator app
///
/// Returns the secret, which must be confirmed with a first code within 5 minutes. Starting again replaces an unconfirmed secret.
/// Requires authentication within the last 10 minutes (`POST /auth/reauthenticate`).
#[utoipa::path(post, path = "/auth/mfa/totp", responses((status = 201, body = TotpStarted, description = "The secret to add to the app.")))]
pub(crate) async fn start_totp(
    State(app): State<App>,
    caller: Caller<Recent<Enrolling>>,
) -> Result<(
    StatusCode,
    [(header::HeaderName, &'static str); 1],
    Json<TotpStarted>,
)> {
    let now = app.state.clock().now();
    let me = CurrentUser::from_caller(&caller)?;
    let secret = TotpSecret::generate();
    let sealed = seal_totp_secret(&app, me.tenant, me.user, &secret)?;
    let expires_at = now + app.settings.mfa_challenge_ttl;
    let organisation = app.state.authenticator().tenant(me.tenant).await?;
    let organisation = organisation.ok_or(&problem::NOT_FOUND)?;
    let mut tx = me.begin_read_only(&app).await?;
    let user = users::find_user(&mut tx, Reach::Own(me.user), me.user, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    tx.commit().await?;
    let otpauth_uri = secret.to_uri(&organisation.name, &user.email);
    let png = qr_code::to_png(&otpauth_uri).map_err(Problem::internal)?;
    let mut unit = me.begin(&app, &caller).await?;
    if !totp::start_totp(&mut unit, me.user, &sealed, expires_at).await? {
        return Err(FACTOR_EXISTS.problem());
    }
    unit.commit().await?;
    let started = TotpStarted {
        secret: secret.to_text(),
        otpauth_uri,
        qr_png: format!("data:image/png;base64,{}", STANDARD.encode(png)),
        expires_at,
    };
    let location = [(header::LOCATION, "/api/v1/auth/mfa/totp")];
    Ok((StatusCode::CREATED, location, Json(started)))
}

/// Confirm an authenticator app
///
/// Takes the first code from the app and enables it as second factor. The current session then counts as authenticated with both
/// factors. With the first factor the user also receives recovery codes.
#[utoipa::path(post, path = "/auth/mfa/totp/confirm", responses((status = 200, body = TotpConfirmed, description = "The app is confirmed.")))]
pub(crate) async fn confirm_totp(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    body: ValidJson<ConfirmTotp>,
) -> Result<Json<TotpConfirmed>> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut unit = me.begin(&app, &caller).await?;
    let now = unit.now();
    users::lock_user(&mut unit, Reach::Own(me.user), me.user).await?;
    let pending = totp::find_totp(&mut unit, me.user)
        .await?
        .filter(|row| row.expires_at.is_some_and(|end| end > now))
        .ok_or(&NO_ENROLMENT)?;
    let secret = open_totp_secret(&app, me.tenant, me.user, &pending.secret_sealed)?;
    let step = secret
        .find_step(body.value.code.expose(), pending.last_step, now)
        .ok_or(&PROOF_REFUSED)?;
    let enrolled = enrol(&app, unit, &caller, NewFactor::Totp(step)).await?;
    Ok(Json(TotpConfirmed {
        recovery_codes: enrolled.recovery_codes,
        token: enrolled.token,
    }))
}

/// Remove the authenticator app
///
/// Removing the last second factor also deletes the recovery codes. Requires authentication within the last 10 minutes
/// (`POST /auth/reauthenticate`).
#[utoipa::path(delete, path = "/auth/mfa/totp", responses((status = 204, description = "The app has been removed.")))]
pub(crate) async fn delete_totp(
    State(app): State<App>,
    caller: Caller<Recent<Enrolling>>,
) -> Result<StatusCode> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut unit = me.begin(&app, &caller).await?;
    users::lock_user(&mut unit, Reach::Own(me.user), me.user).await?;
    mfa_challenges::void_challenges(&mut unit, me.user).await?;
    if !totp::delete_totp(&mut unit, me.user).await? {
        return Err(problem::NOT_FOUND.problem());
    }
    finish_removal(&app, unit, me.user, RemovedFactor::Totp).await?;
    Ok(StatusCode::NO_CONTENT)
}

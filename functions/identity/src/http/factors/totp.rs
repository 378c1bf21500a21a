//! One's own authenticator app.

use access::{Caller, Enrolling, Reach};
use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use db::Actor;
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Problem, ValidJson,
    problem::{self, Result},
};

use super::second_factor::{GivenCode, Me, ProvedToken, end_waiting, open, prove, seal, tell};
use crate::{
    App,
    domain::{factor::FactorMethod, qr_code, recovery_code::RecoveryCode, totp::TotpSecret},
    error::{FACTOR_EXISTS, NO_ENROLMENT, PROOF_REFUSED, TOO_MANY_FACTORS},
    events::{MFA_DISABLED, MFA_ENABLED},
    store::{recovery_codes, second_factors, totp, users},
};

/// How one's authenticator app stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotpState {
    /// Whether it is in force.
    #[schema(example = true)]
    enabled: bool,
    /// Since when; null when it is not.
    confirmed_at: Option<DateTime<Utc>>,
    /// Until when a new one can be confirmed; null when none waits for that.
    pending_until: Option<DateTime<Utc>>,
}

/// An authenticator app that waits for its first code. What it shows is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotpStarted {
    /// The secret, for apps without a camera.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The address that an app on this device opens.
    #[schema(
        example = "otpauth://totp/Demo:ada%40demo.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Demo&algorithm=SHA1&digits=6&period=30"
    )]
    otpauth_uri: String,
    /// The same as a picture: a `data:` address with a PNG.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo=")]
    qr_png: String,
    /// Until when it can be confirmed.
    expires_at: DateTime<Utc>,
}

web::body! {
    /// The first code of a new authenticator app.
    pub struct ConfirmTotp {
        /// The six digits that it shows.
        pub code: GivenCode,
    }
    example { "code": "287082" }
}

/// The authenticator app is in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotpConfirmed {
    /// Codes for the day on which the app is gone, each good once. Shown once; null when there are some already.
    #[schema(example = json!(["gezd-gnbv-gy3t-qojq"]))]
    recovery_codes: Option<Vec<String>>,
    #[serde(flatten)]
    token: ProvedToken,
}

/// How one's authenticator app stands.
#[utoipa::path(get, path = "/auth/mfa/totp", responses((status = 200, body = TotpState, description = "Whether there is one.")))]
pub(crate) async fn get_totp(
    State(app): State<App>,
    caller: Caller<Enrolling>,
) -> Result<Json<TotpState>> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    let mut tx = app
        .db
        .begin_read_only(me.tenant, Actor::user(me.user))
        .await?;
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

/// Set up an authenticator app. It counts once its first code was confirmed, for which there are 5 minutes.
///
/// Starting again replaces what was not confirmed. Needs a recent proof.
#[utoipa::path(post, path = "/auth/mfa/totp", responses((status = 201, body = TotpStarted, description = "Scan it, then confirm its first code.")))]
pub(crate) async fn start_totp(
    State(app): State<App>,
    caller: Caller<Enrolling>,
) -> Result<(
    StatusCode,
    [(header::HeaderName, &'static str); 1],
    Json<TotpStarted>,
)> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    caller.require_recent_authentication(now)?;
    let secret = TotpSecret::generate();
    let sealed = seal(&app, me.tenant, me.user, &secret)?;
    let expires_at = now + app.settings.factor_patience;
    let organisation = app.state.authenticator().tenant(me.tenant).await?;
    let organisation = organisation.ok_or(&problem::NOT_FOUND)?;
    let mut tx = app
        .db
        .begin_read_only(me.tenant, Actor::user(me.user))
        .await?;
    let user = users::find_user(&mut tx, Reach::Own(me.user), me.user, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    tx.commit().await?;
    let otpauth_uri = secret.to_uri(&organisation.name, &user.email);
    let png = qr_code::to_png(&otpauth_uri).map_err(Problem::internal)?;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    if !totp::start_totp(&mut tx, me.user, &sealed, expires_at, now).await? {
        return Err(FACTOR_EXISTS.problem());
    }
    tx.commit().await?;
    let started = TotpStarted {
        secret: secret.to_text(),
        otpauth_uri,
        qr_png: format!("data:image/png;base64,{}", STANDARD.encode(png)),
        expires_at,
    };
    let location = [(header::LOCATION, "/api/v1/auth/mfa/totp")];
    Ok((StatusCode::CREATED, location, Json(started)))
}

/// Confirm a new authenticator app with its first code; this session has then proved both factors.
///
/// With the first factor come recovery codes, shown once.
#[utoipa::path(post, path = "/auth/mfa/totp/confirm", responses((status = 200, body = TotpConfirmed, description = "It is in force.")))]
pub(crate) async fn confirm_totp(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    body: ValidJson<ConfirmTotp>,
) -> Result<Json<TotpConfirmed>> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    users::lock_user(&mut tx, Reach::Own(me.user), me.user).await?;
    let waiting = totp::find_totp(&mut tx, me.user)
        .await?
        .filter(|row| row.expires_at.is_some_and(|end| end > now))
        .ok_or(&NO_ENROLMENT)?;
    let secret = open(&app, me.tenant, me.user, &waiting.secret_sealed)?;
    let step = secret
        .find_step(body.value.code.expose(), waiting.last_step, now)
        .ok_or(&PROOF_REFUSED)?;
    let before = second_factors::find_factors(&mut tx, me.user).await?;
    if before.full() {
        return Err(TOO_MANY_FACTORS.problem());
    }
    if !totp::confirm_totp(&mut tx, me.user, step, now).await? {
        return Err(NO_ENROLMENT.problem());
    }
    let codes = if before.any() {
        None
    } else {
        let codes = RecoveryCode::generate();
        recovery_codes::replace_recovery_codes(&mut tx, me.user, &codes, now).await?;
        Some(codes.iter().map(RecoveryCode::to_text).collect())
    };
    let told = (caller.request(), caller.reason.as_deref());
    let change = (&MFA_ENABLED, FactorMethod::Totp.as_str());
    tell(&mut tx, told, me.user, change, now).await?;
    let amr = FactorMethod::Totp.added_to(caller.amr.clone());
    let token = prove(&app, &mut tx, (me, &caller.role), amr, now).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(Json(TotpConfirmed {
        recovery_codes: codes,
        token,
    }))
}

/// Remove one's authenticator app. With the last factor the recovery codes go. Needs a recent proof.
#[utoipa::path(delete, path = "/auth/mfa/totp", responses((status = 204, description = "Removed.")))]
pub(crate) async fn delete_totp(
    State(app): State<App>,
    caller: Caller<Enrolling>,
) -> Result<StatusCode> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    caller.require_recent_authentication(now)?;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    users::lock_user(&mut tx, Reach::Own(me.user), me.user).await?;
    end_waiting(&mut tx, me.user, now).await?;
    if !totp::delete_totp(&mut tx, me.user).await? {
        return Err(problem::NOT_FOUND.problem());
    }
    let told = (caller.request(), caller.reason.as_deref());
    let change = (&MFA_DISABLED, FactorMethod::Totp.as_str());
    tell(&mut tx, told, me.user, change, now).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

//! The recovery codes of the signed-in user.

use access::{Caller, Enrolling, Reach, Recent, audit};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use web::problem::Result;

use crate::{
    App,
    domain::recovery_code::RecoveryCode,
    error::NO_SECOND_FACTOR,
    http::current_user::CurrentUser,
    store::{recovery_codes, second_factors, users},
};

/// The number of unused recovery codes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecoveryCodesLeft {
    /// Number of unused codes.
    #[schema(example = 9)]
    left: i64,
}

/// A new set of recovery codes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// The codes. Each can be used once, and they are shown only here.
    #[schema(example = json!(["gezd-gnbv-gy3t-qojq"]))]
    recovery_codes: Vec<String>,
}

/// Count your unused recovery codes
///
/// The codes themselves are stored only as hashes and cannot be shown again.
#[utoipa::path(get, path = "/auth/mfa/recovery-codes", responses((status = 200, body = RecoveryCodesLeft, description = "The number of unused codes.")))]
pub(crate) async fn get_recovery_codes(
    State(app): State<App>,
    caller: Caller<Enrolling>,
) -> Result<Json<RecoveryCodesLeft>> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut tx = me.begin_read_only(&app).await?;
    let left = recovery_codes::count_recovery_codes(&mut tx, me.user).await?;
    tx.commit().await?;
    Ok(Json(RecoveryCodesLeft { left }))
}

/// Replace your recovery codes
///
/// Returns ten new codes; the old ones are no longer valid. Requires authentication within the last 10 minutes
/// (`POST /auth/reauthenticate`).
#[utoipa::path(post, path = "/auth/mfa/recovery-codes", responses((status = 200, body = RecoveryCodes, description = "The new codes, shown once.")))]
pub(crate) async fn renew_recovery_codes(
    State(app): State<App>,
    caller: Caller<Recent<Enrolling>>,
) -> Result<Json<RecoveryCodes>> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut unit = me.begin(&app, &caller).await?;
    users::lock_user(&mut unit, Reach::Own(me.user), me.user).await?;
    let factors = second_factors::find_factors(&mut unit, me.user).await?;
    if !factors.has_any() {
        return Err(NO_SECOND_FACTOR.problem());
    }
    let codes = RecoveryCode::generate();
    recovery_codes::replace_recovery_codes(&mut unit, me.user, &codes).await?;
    let fresh = i64::try_from(codes.len()).unwrap_or_default();
    let entry = audit::Entry::new("identity.mfa.recovery_codes_renewed", "user", me.user).change(
        "left",
        factors.recovery_codes,
        fresh,
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(Json(RecoveryCodes {
        recovery_codes: codes.iter().map(RecoveryCode::to_text).collect(),
    }))
}

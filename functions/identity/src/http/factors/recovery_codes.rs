//! One's own recovery codes.

use access::{Caller, Enrolling, Reach, audit};
use axum::{Json, extract::State};
use db::Actor;
use serde::Serialize;
use utoipa::ToSchema;
use web::problem::Result;

use super::second_factor::Me;
use crate::{
    App,
    domain::recovery_code::RecoveryCode,
    error::NO_SECOND_FACTOR,
    store::{recovery_codes, second_factors, users},
};

/// How many are left.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecoveryCodesLeft {
    /// Codes that were not used yet.
    #[schema(example = 9)]
    left: i64,
}

/// A fresh set, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// Each is good once.
    #[schema(example = json!(["gezd-gnbv-gy3t-qojq"]))]
    recovery_codes: Vec<String>,
}

/// How many recovery codes are left.
#[utoipa::path(get, path = "/auth/mfa/recovery-codes", responses((status = 200, body = RecoveryCodesLeft, description = "Their number; the codes themselves nobody knows.")))]
pub(crate) async fn get_recovery_codes(
    State(app): State<App>,
    caller: Caller<Enrolling>,
) -> Result<Json<RecoveryCodesLeft>> {
    let me = Me::of(&caller)?;
    let mut tx = app
        .db
        .begin_read_only(me.tenant, Actor::user(me.user))
        .await?;
    let left = recovery_codes::count_recovery_codes(&mut tx, me.user).await?;
    tx.commit().await?;
    Ok(Json(RecoveryCodesLeft { left }))
}

/// Get ten new recovery codes; the old ones are worthless from now on. Needs a recent proof.
#[utoipa::path(post, path = "/auth/mfa/recovery-codes", responses((status = 200, body = RecoveryCodes, description = "The new codes, shown once.")))]
pub(crate) async fn renew_recovery_codes(
    State(app): State<App>,
    caller: Caller<Enrolling>,
) -> Result<Json<RecoveryCodes>> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    caller.require_recent_authentication(now)?;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    users::lock_user(&mut tx, Reach::Own(me.user), me.user).await?;
    let factors = second_factors::find_factors(&mut tx, me.user).await?;
    if !factors.any() {
        return Err(NO_SECOND_FACTOR.problem());
    }
    let codes = RecoveryCode::generate();
    recovery_codes::replace_recovery_codes(&mut tx, me.user, &codes, now).await?;
    let fresh = i64::try_from(codes.len()).unwrap_or_default();
    let entry = audit::Entry::new("identity.mfa.recovery_codes_renewed", "user", me.user).change(
        "left",
        factors.recovery_codes,
        fresh,
    );
    let reason = caller.reason.as_deref();
    audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    tx.commit().await?;
    Ok(Json(RecoveryCodes {
        recovery_codes: codes.iter().map(RecoveryCode::to_text).collect(),
    }))
}

//! Shared by all second factors: verification, and the consequences of adding or removing one.

use access::{Caller, Enrolling, Purpose, Reach, audit};
use events::UnitOfWork;
use ids::{TenantId, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{
    Problem,
    fields::Secret,
    problem::{self, Result},
};

use crate::{
    App,
    domain::{
        factor::{FactorMethod, RemovedFactor},
        recovery_code::RecoveryCode,
        totp::TotpSecret,
    },
    error::{NO_ENROLMENT, PASSKEY_EXISTS, TOO_MANY_FACTORS},
    events::{MfaDisabled, MfaEnabled, RecoveryCodeUsed},
    http::{current_user::CurrentUser, sessions::session::AccessTokenSubject},
    store::{
        passkeys::{self, PasskeyRow},
        recovery_codes, second_factors, sessions, totp, users,
    },
};

/// A code, as entered by the user.
pub(crate) type CodeInput = Secret<1, 64>;

/// A new access token of the same session, with the new authentication state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProvedToken)]
pub(crate) struct StepUpToken {
    /// Access token for `Authorization: Bearer`, to be used from now on.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    #[schema(example = 600)]
    expires_in: i64,
}

/// A code given as second factor.
#[derive(Debug)]
pub(crate) enum SubmittedCode {
    /// A code from the authenticator app.
    Totp(CodeInput),
    /// A recovery code.
    RecoveryCode(CodeInput),
}

/// The context that the secret is sealed with, so that it cannot be swapped with another user's.
fn seal_context(tenant: TenantId, user: UserId) -> Vec<u8> {
    [*tenant.uuid().as_bytes(), *user.uuid().as_bytes()].concat()
}

/// Seals the secret for storage.
pub(crate) fn seal_totp_secret(
    app: &App,
    tenant: TenantId,
    user: UserId,
    secret: &TotpSecret,
) -> Result<Vec<u8>> {
    app.state
        .keyring()
        .seal(
            Purpose::Totp,
            &seal_context(tenant, user),
            secret.as_bytes(),
        )
        .map_err(Problem::internal)
}

/// Opens a sealed secret.
pub(crate) fn open_totp_secret(
    app: &App,
    tenant: TenantId,
    user: UserId,
    sealed: &[u8],
) -> Result<TotpSecret> {
    let secret = app
        .state
        .keyring()
        .open(Purpose::Totp, &seal_context(tenant, user), sealed)
        .map_err(Problem::internal)?;
    TotpSecret::from_bytes(&secret)
        .ok_or_else(|| Problem::internal("the sealed secret has the wrong length"))
}

/// Uses the code in the caller's unit of work. `None` if it is not valid.
pub(crate) async fn use_code(
    app: &App,
    unit: &mut UnitOfWork,
    user: UserId,
    submitted: &SubmittedCode,
) -> Result<Option<FactorMethod>> {
    match submitted {
        SubmittedCode::Totp(code) => {
            let Some(row) = totp::find_totp(unit, user)
                .await?
                .filter(|row| row.confirmed_at.is_some())
            else {
                return Ok(None);
            };
            let secret = open_totp_secret(app, unit.tenant(), user, &row.secret_sealed)?;
            let Some(step) = secret.find_step(code.expose(), row.last_step, unit.now()) else {
                return Ok(None);
            };
            let fresh = totp::use_totp_step(unit, user, step).await?;
            Ok(fresh.then_some(FactorMethod::Totp))
        }
        SubmittedCode::RecoveryCode(code) => {
            let Some(code) = RecoveryCode::parse(code.expose()) else {
                return Ok(None);
            };
            if !recovery_codes::use_recovery_code(unit, user, &code).await? {
                return Ok(None);
            }
            let left = recovery_codes::count_recovery_codes(unit, user).await?;
            let entry = audit::Entry::new("identity.mfa.recovery_code_used", "user", user).change(
                "left",
                left + 1,
                left,
            );
            unit.audit(entry).await?;
            // Not touched: concurrent sign-ins share a lock on the user.
            let version = users::find_version(unit, user).await?;
            let event = RecoveryCodeUsed {
                user_id: user,
                left,
            };
            unit.publish(version, event).await?;
            Ok(Some(FactorMethod::RecoveryCode))
        }
    }
}

/// Records the authentication in the session and signs a matching token, which is valid once the unit of work is committed.
pub(crate) async fn step_up(
    app: &App,
    unit: &mut UnitOfWork,
    me: CurrentUser,
    role: &str,
    amr: Vec<String>,
) -> Result<StepUpToken> {
    let (signer, now) = (app.signer().await?, unit.now());
    if !sessions::step_up_session(unit, me.user, me.session, &amr).await? {
        return Err(problem::UNAUTHENTICATED.problem());
    }
    let subject = AccessTokenSubject {
        tenant: me.tenant,
        user: me.user,
        session: me.session,
        role,
        amr,
        authenticated_at: now,
    };
    Ok(StepUpToken {
        access_token: subject.sign(app, &signer, now)?,
        token_type: "Bearer",
        expires_in: access::token::LIFETIME.num_seconds(),
    })
}

/// A factor whose first use was verified.
pub(crate) enum NewFactor<'a> {
    /// The pending authenticator app, confirmed with the code of this time step.
    Totp(i64),
    /// A passkey, with its signature counter.
    Passkey(&'a PasskeyRow, u32),
}

/// An added factor.
pub(crate) struct Enrolled {
    /// Recovery codes; `None` if the user already has some.
    pub(crate) recovery_codes: Option<Vec<String>>,
    pub(crate) token: StepUpToken,
}

/// Adds a factor to the own account, with recovery codes if it is the first one, and raises the session to it. The user is locked.
pub(crate) async fn enrol(
    app: &App,
    mut unit: UnitOfWork,
    caller: &Caller<Enrolling>,
    factor: NewFactor<'_>,
) -> Result<Enrolled> {
    let me = CurrentUser::from_caller(caller)?;
    let before = second_factors::find_factors(&mut unit, me.user).await?;
    if before.is_full() {
        return Err(TOO_MANY_FACTORS.problem());
    }
    let (method, stored, refusal) = match factor {
        NewFactor::Totp(step) => {
            let confirmed = totp::confirm_totp(&mut unit, me.user, step).await?;
            (FactorMethod::Totp, confirmed, &NO_ENROLMENT)
        }
        NewFactor::Passkey(row, sign_count) => {
            let inserted = passkeys::insert_passkey(&mut unit, row, sign_count).await?;
            (FactorMethod::Passkey, inserted, &PASSKEY_EXISTS)
        }
    };
    if !stored {
        return Err(refusal.problem());
    }
    let recovery_codes = if before.has_any() {
        None
    } else {
        let codes = RecoveryCode::generate();
        recovery_codes::replace_recovery_codes(&mut unit, me.user, &codes).await?;
        Some(codes.iter().map(RecoveryCode::to_text).collect())
    };
    second_factors::project_factors(&mut unit, me.user, true).await?;
    let event = MfaEnabled {
        user_id: me.user,
        method,
        second_factor: true,
    };
    let version = touch_user(&mut unit, me.user).await?;
    unit.publish(version, event).await?;
    let entry = audit::Entry::new("identity.mfa.enabled", "user", me.user).change(
        "method",
        Value::Null,
        method.as_str(),
    );
    unit.audit(entry).await?;
    let amr = method.extend_amr(caller.amr.clone());
    let token = step_up(app, &mut unit, me, &caller.role, amr).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(Enrolled {
        recovery_codes,
        token,
    })
}

/// Ends the removal of a factor. Without any other, the recovery codes are deleted too.
pub(crate) async fn finish_removal(
    app: &App,
    mut unit: UnitOfWork,
    user: UserId,
    removed: RemovedFactor,
) -> Result<()> {
    let has_any = second_factors::find_factors(&mut unit, user)
        .await?
        .has_any();
    if !has_any {
        recovery_codes::delete_recovery_codes(&mut unit, user).await?;
    }
    second_factors::project_factors(&mut unit, user, has_any).await?;
    let event = MfaDisabled {
        user_id: user,
        method: removed,
        second_factor: has_any,
    };
    let version = touch_user(&mut unit, user).await?;
    unit.publish(version, event).await?;
    let entry = audit::Entry::new("identity.mfa.disabled", "user", user).change(
        "method",
        removed.as_str(),
        Value::Null,
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(())
}

pub(crate) async fn touch_user(unit: &mut UnitOfWork, user: UserId) -> Result<i32> {
    let version = users::touch_user(unit, Reach::All, user).await?;
    version.ok_or_else(|| problem::NOT_FOUND.problem())
}

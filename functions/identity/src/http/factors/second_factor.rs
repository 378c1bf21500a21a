//! Shared by all second factors: verification, and the consequences of adding or removing one.

use access::{Purpose, audit};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::EventKind;
use ids::{TenantId, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{Problem, RequestInfo, fields::Secret, problem, problem::Result};

use crate::{
    App,
    domain::{factor::FactorMethod, recovery_code::RecoveryCode, totp::TotpSecret},
    http::{announce, current_user::CurrentUser, sessions::session::AccessTokenSubject},
    store::{mfa_challenges, recovery_codes, second_factors, sessions, totp, users},
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

/// Uses the code in the caller's transaction. `None` if it is not valid.
pub(crate) async fn use_code(
    app: &App,
    tx: &mut TenantTx,
    request: &RequestInfo,
    user: UserId,
    submitted: &SubmittedCode,
    now: DateTime<Utc>,
) -> Result<Option<FactorMethod>> {
    match submitted {
        SubmittedCode::Totp(code) => {
            let Some(row) = totp::find_totp(tx, user)
                .await?
                .filter(|row| row.confirmed_at.is_some())
            else {
                return Ok(None);
            };
            let secret = open_totp_secret(app, tx.tenant(), user, &row.secret_sealed)?;
            let Some(step) = secret.find_step(code.expose(), row.last_step, now) else {
                return Ok(None);
            };
            let fresh = totp::use_totp_step(tx, user, step).await?;
            Ok(fresh.then_some(FactorMethod::Totp))
        }
        SubmittedCode::RecoveryCode(code) => {
            let Some(code) = RecoveryCode::parse(code.expose()) else {
                return Ok(None);
            };
            if !recovery_codes::use_recovery_code(tx, user, &code, now).await? {
                return Ok(None);
            }
            let left = recovery_codes::count_recovery_codes(tx, user).await?;
            let entry = audit::Entry::new("identity.mfa.recovery_code_used", "user", user).change(
                "left",
                left + 1,
                left,
            );
            audit::record(tx, request, now, None, entry).await?;
            Ok(Some(FactorMethod::RecoveryCode))
        }
    }
}

/// Records the authentication in the session and signs a matching token, which is valid once the transaction is committed.
pub(crate) async fn step_up(
    app: &App,
    tx: &mut TenantTx,
    (me, role): (CurrentUser, &str),
    amr: Vec<String>,
    now: DateTime<Utc>,
) -> Result<StepUpToken> {
    let signer = app.signer().await?;
    if !sessions::step_up_session(tx, me.user, me.session, &amr, now).await? {
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

/// Updates the projection, publishes the event and writes the audit entry after a factor was added or removed. Removing the last
/// factor deletes the recovery codes.
pub(crate) async fn record_and_announce(
    tx: &mut TenantTx,
    (request, reason): (&RequestInfo, Option<&str>),
    user: UserId,
    (kind, method): (&'static EventKind, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    let any = second_factors::find_factors(tx, user).await?.has_any();
    if !any {
        recovery_codes::delete_recovery_codes(tx, user).await?;
    }
    second_factors::project_factors(tx, user, any, now).await?;
    let version = users::touch_user(tx, access::Reach::All, user, now)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let data = json!({"user_id": user, "method": method, "second_factor": any});
    announce(tx, request, now, kind, (user, version), data).await?;
    let enabled = kind.r#type == crate::events::MFA_ENABLED.r#type;
    let (action, old, new) = if enabled {
        ("identity.mfa.enabled", Value::Null, Value::from(method))
    } else {
        ("identity.mfa.disabled", Value::from(method), Value::Null)
    };
    let entry = audit::Entry::new(action, "user", user).change("method", old, new);
    audit::record(tx, request, now, reason, entry).await?;
    Ok(())
}

/// Ends sign-ins that wait for a second factor. Runs before the removal, in the same lock order as a sign-in that is being
/// completed.
pub(crate) async fn void_pending_mfa(
    tx: &mut TenantTx,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    mfa_challenges::void_challenges(tx, user, now).await?;
    Ok(())
}

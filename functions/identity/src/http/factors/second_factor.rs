//! What all second factors share: proving one, and telling of one more or one fewer.

use access::{Principal, Purpose, audit};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::EventKind;
use ids::{SessionId, TenantId, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{Problem, RequestInfo, fields::Secret, problem, problem::Result};

use crate::{
    App,
    domain::{factor::FactorMethod, recovery_code::RecoveryCode, totp::TotpSecret},
    error::NOT_A_PERSON,
    http::{
        announce,
        sessions::{logout::home, session::Bearer},
    },
    store::{mfa_challenges, recovery_codes, second_factors, sessions, totp, users},
};

/// A code as it was typed.
pub(crate) type GivenCode = Secret<1, 64>;

/// The person who calls, at home.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Me {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

impl Me {
    /// Refuses keys.
    pub(crate) fn of(caller: &Principal) -> Result<Self> {
        let (user, session) = caller.user.zip(caller.session).ok_or(&NOT_A_PERSON)?;
        Ok(Self {
            tenant: home(caller),
            user,
            session,
        })
    }
}

/// A fresh access token of the same session, which says what was proved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProvedToken {
    /// For `Authorization: Bearer` from now on.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds for which the access token is good.
    #[schema(example = 600)]
    expires_in: i64,
}

/// What is proved with.
#[derive(Debug)]
pub(crate) enum Given {
    /// A code of the authenticator app.
    Totp(GivenCode),
    /// A recovery code.
    RecoveryCode(GivenCode),
}

/// What a secret of an authenticator app is sealed with: nobody else's opens in its place.
fn context(tenant: TenantId, user: UserId) -> Vec<u8> {
    [*tenant.uuid().as_bytes(), *user.uuid().as_bytes()].concat()
}

/// The secret as it is kept.
pub(crate) fn seal(
    app: &App,
    tenant: TenantId,
    user: UserId,
    secret: &TotpSecret,
) -> Result<Vec<u8>> {
    app.state
        .keyring()
        .seal(Purpose::Totp, &context(tenant, user), secret.as_bytes())
        .map_err(Problem::internal)
}

/// The secret itself.
pub(crate) fn open(app: &App, tenant: TenantId, user: UserId, sealed: &[u8]) -> Result<TotpSecret> {
    let secret = app
        .state
        .keyring()
        .open(Purpose::Totp, &context(tenant, user), sealed)
        .map_err(Problem::internal)?;
    TotpSecret::from_bytes(&secret)
        .ok_or_else(|| Problem::internal("a secret of another length was sealed"))
}

/// Uses the code up, in the transaction of what it opens. `None` when it is not good.
pub(crate) async fn use_code(
    app: &App,
    tx: &mut TenantTx,
    request: &RequestInfo,
    user: UserId,
    given: &Given,
    now: DateTime<Utc>,
) -> Result<Option<FactorMethod>> {
    match given {
        Given::Totp(code) => {
            let Some(row) = totp::find_totp(tx, user)
                .await?
                .filter(|row| row.confirmed_at.is_some())
            else {
                return Ok(None);
            };
            let secret = open(app, tx.tenant(), user, &row.secret_sealed)?;
            let Some(step) = secret.find_step(code.expose(), row.last_step, now) else {
                return Ok(None);
            };
            let fresh = totp::use_step(tx, user, step).await?;
            Ok(fresh.then_some(FactorMethod::Totp))
        }
        Given::RecoveryCode(code) => {
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

/// Notes in the session what was proved, and signs a token that says so; it is good once the transaction is committed.
pub(crate) async fn prove(
    app: &App,
    tx: &mut TenantTx,
    (me, role): (Me, &str),
    amr: Vec<String>,
    now: DateTime<Utc>,
) -> Result<ProvedToken> {
    let signer = app.signer().await?;
    if !sessions::prove_session(tx, me.user, me.session, &amr, now).await? {
        return Err(problem::UNAUTHENTICATED.problem());
    }
    let bearer = Bearer {
        tenant: me.tenant,
        user: me.user,
        session: me.session,
        role,
        amr,
        proved_at: now,
    };
    Ok(ProvedToken {
        access_token: bearer.sign(app, &signer, now)?,
        token_type: "Bearer",
        expires_in: access::token::LIFETIME.num_seconds(),
    })
}

/// One more or one fewer: the mirror, the announcement that becomes a mail, the audit entry. With the last factor the recovery
/// codes go.
pub(crate) async fn tell(
    tx: &mut TenantTx,
    (request, reason): (&RequestInfo, Option<&str>),
    user: UserId,
    (kind, method): (&'static EventKind, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    let any = second_factors::find_factors(tx, user).await?.any();
    if !any {
        recovery_codes::delete_recovery_codes(tx, user).await?;
    }
    second_factors::project_factors(tx, user, any, now).await?;
    let version = users::touch_user(tx, access::Reach::All, user, now)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let data = json!({"user_id": user, "method": method, "second_factor": any});
    announce(tx, request, now, kind, (user, version), data).await?;
    let enabled = kind == &crate::events::MFA_ENABLED;
    let (action, old, new) = if enabled {
        ("identity.mfa.enabled", Value::Null, Value::from(method))
    } else {
        ("identity.mfa.disabled", Value::from(method), Value::Null)
    };
    let entry = audit::Entry::new(action, "user", user).change("method", old, new);
    audit::record(tx, request, now, reason, entry).await?;
    Ok(())
}

/// Sign-ins that wait for what is being removed wait no more. Comes before the removal: a sign-in that is just being finished
/// holds its own row first, too.
pub(crate) async fn end_waiting(tx: &mut TenantTx, user: UserId, now: DateTime<Utc>) -> Result<()> {
    mfa_challenges::void_challenges(tx, user, now).await?;
    Ok(())
}

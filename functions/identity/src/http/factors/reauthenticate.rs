//! Step-up authentication for sensitive operations.

use access::{Caller, Enrolling, audit};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use db::Actor;
use web::{
    Problem, ValidJson,
    problem::{FieldCode, Result},
};

use super::second_factor::{CodeInput, StepUpToken, SubmittedCode, step_up, use_code};
use crate::{
    App,
    domain::{password::PasswordInput, password_hash::PasswordCheck, throttle::Attempt},
    error::PROOF_REFUSED,
    http::{
        current_user::CurrentUser,
        sign_in::mfa::{multiple_proofs, single_code},
    },
    store::accounts::{self, Credentials},
};

web::body! {
    /// Exactly one of the fields.
    pub struct Reauthenticate {
        /// The current password.
        pub password: Option<PasswordInput>,
        /// Six-digit code from the authenticator app.
        pub code: Option<CodeInput>,
        /// A recovery code.
        pub recovery_code: Option<CodeInput>,
    }
    example { "password": "correct horse battery staple" }
}

/// Reauthenticate
///
/// Allows sensitive operations in this session for the next 10 minutes. A code of the second factor also raises the session to
/// `aal2`. Use the returned access token from now on: it carries the new state to every function at once.
#[utoipa::path(post, path = "/auth/reauthenticate", responses((status = 200, body = StepUpToken, description = "A new access token of the same session.")))]
pub(crate) async fn reauthenticate(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    body: ValidJson<Reauthenticate>,
) -> Result<Json<StepUpToken>> {
    let now = app.state.clock().now();
    let me = CurrentUser::from_caller(&caller)?;
    let Reauthenticate {
        password,
        code,
        recovery_code,
    } = body.value;
    let submitted = single_code(code, recovery_code)?;
    let token = match (password, submitted) {
        (Some(password), None) => with_password(&app, &caller, me, &password, now).await?,
        (None, Some(submitted)) => with_code(&app, &caller, me, &submitted, now).await?,
        (None, None) => return Err(Problem::field("/password", FieldCode::Required)),
        (Some(_), Some(_)) => return Err(multiple_proofs("/code")),
    };
    app.state
        .authenticator()
        .invalidate_session(me.tenant, me.session)
        .await;
    Ok(Json(token))
}

async fn with_password(
    app: &App,
    caller: &Caller<Enrolling>,
    me: CurrentUser,
    password: &PasswordInput,
    now: DateTime<Utc>,
) -> Result<StepUpToken> {
    let before = find_credentials(app, me).await?;
    let attempt = app
        .throttle
        .begin(
            &me.tenant.to_string(),
            &before.email,
            caller.request().address(),
            now,
        )
        .await?;
    let stored = before.password_hash.as_deref();
    if app.hasher.verify(password.expose(), stored).await? == PasswordCheck::Incorrect {
        return Err(record_refusal(attempt, now));
    }
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    let after = accounts::find_credentials(&mut tx, me.user).await?;
    // The password was changed while it was being verified.
    if after.is_none_or(|after| after.password_hash != before.password_hash) {
        return Err(PROOF_REFUSED.problem());
    }
    let mut amr = caller.amr.clone();
    if !amr.iter().any(|member| member == "pwd") {
        amr.push("pwd".to_owned());
    }
    complete_reauthentication(app, tx, caller, me, (amr, "password"), now).await
}

async fn with_code(
    app: &App,
    caller: &Caller<Enrolling>,
    me: CurrentUser,
    submitted: &SubmittedCode,
    now: DateTime<Utc>,
) -> Result<StepUpToken> {
    let (tenant_key, account) = (me.tenant.to_string(), me.user.to_string());
    let attempt = app
        .code_throttle
        .begin(&tenant_key, &account, caller.request().address(), now)
        .await?;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    let Some(method) = use_code(app, &mut tx, caller.request(), me.user, submitted, now).await?
    else {
        return Err(record_refusal(attempt, now));
    };
    let amr = method.extend_amr(caller.amr.clone());
    complete_reauthentication(app, tx, caller, me, (amr, method.as_str()), now).await
}

async fn complete_reauthentication(
    app: &App,
    mut tx: db::TenantTx,
    caller: &Caller<Enrolling>,
    me: CurrentUser,
    (amr, method): (Vec<String>, &str),
    now: DateTime<Utc>,
) -> Result<StepUpToken> {
    let token = step_up(app, &mut tx, (me, &caller.role), amr, now).await?;
    let entry = audit::Entry::new("identity.session.reauthenticated", "session", me.session)
        .change("method", serde_json::Value::Null, method);
    let reason = caller.reason.as_deref();
    audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    tx.commit().await?;
    Ok(token)
}

async fn find_credentials(app: &App, me: CurrentUser) -> Result<Credentials> {
    let mut tx = app
        .db
        .begin_read_only(me.tenant, Actor::user(me.user))
        .await?;
    let found = accounts::find_credentials(&mut tx, me.user).await?;
    tx.commit().await?;
    found.ok_or_else(|| PROOF_REFUSED.problem())
}

fn record_refusal(attempt: Attempt, now: DateTime<Utc>) -> Problem {
    attempt.record_failure(now);
    PROOF_REFUSED.problem()
}

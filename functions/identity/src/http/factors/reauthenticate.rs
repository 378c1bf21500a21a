//! Step-up authentication for sensitive operations.

use access::{Caller, Enrolling, audit};
use axum::{Json, extract::State};
use events::UnitOfWork;
use web::{
    Problem, ValidJson,
    problem::{FieldCode, Result},
};

use super::second_factor::{CodeInput, StepUpToken, SubmittedCode, step_up, use_code};
use crate::{
    App,
    domain::{password::PasswordInput, password_hash::PasswordCheck},
    error::PROOF_REFUSED,
    http::{
        current_user::CurrentUser,
        sign_in::mfa::{multiple_proofs, single_code},
    },
    store::accounts,
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
    let me = CurrentUser::from_caller(&caller)?;
    let Reauthenticate {
        password,
        code,
        recovery_code,
    } = body.value;
    let submitted = single_code(code, recovery_code)?;
    let token = match (password, submitted) {
        (Some(password), None) => with_password(&app, &caller, me, &password).await?,
        (None, Some(submitted)) => with_code(&app, &caller, me, &submitted).await?,
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
) -> Result<StepUpToken> {
    let mut tx = me.begin_read_only(app).await?;
    let now = tx.now();
    let before = accounts::find_credentials(&mut tx, me.user).await?;
    tx.commit().await?;
    let before = before.ok_or(&PROOF_REFUSED)?;
    let (tenant, address) = (me.tenant.to_string(), caller.request().address());
    // Counted for the session, so that an attacker who guesses at sign-in does not keep its owner from this.
    let session = me.session.to_string();
    let attempt = app.throttle.begin(&tenant, &session, address, now).await?;
    let stored = before.password_hash.as_deref();
    if app.hasher.verify(password.expose(), stored).await? == PasswordCheck::Incorrect {
        attempt.record_failure(now);
        return Err(PROOF_REFUSED.problem());
    }
    let mut unit = me.begin(app, caller).await?;
    let after = accounts::find_credentials(&mut unit, me.user).await?;
    // The password was changed while it was being verified.
    if after.is_none_or(|after| after.password_hash != before.password_hash) {
        return Err(PROOF_REFUSED.problem());
    }
    let mut amr = caller.amr.clone();
    if !amr.iter().any(|member| member == "pwd") {
        amr.push("pwd".to_owned());
    }
    complete_reauthentication(app, unit, caller, amr, "password").await
}

async fn with_code(
    app: &App,
    caller: &Caller<Enrolling>,
    me: CurrentUser,
    submitted: &SubmittedCode,
) -> Result<StepUpToken> {
    let now = app.state.clock().now();
    let (tenant, account) = (me.tenant.to_string(), me.user.to_string());
    let attempt = app
        .code_throttle
        .begin(&tenant, &account, caller.request().address(), now)
        .await?;
    let mut unit = me.begin(app, caller).await?;
    let Some(method) = use_code(app, &mut unit, me.user, submitted).await? else {
        attempt.record_failure(now);
        return Err(PROOF_REFUSED.problem());
    };
    let amr = method.extend_amr(caller.amr.clone());
    complete_reauthentication(app, unit, caller, amr, method.as_str()).await
}

async fn complete_reauthentication(
    app: &App,
    mut unit: UnitOfWork,
    caller: &Caller<Enrolling>,
    amr: Vec<String>,
    method: &str,
) -> Result<StepUpToken> {
    let me = CurrentUser::from_caller(caller)?;
    let token = step_up(app, &mut unit, me, &caller.role, amr).await?;
    let entry = audit::Entry::new("identity.session.reauthenticated", "session", me.session)
        .change("method", serde_json::Value::Null, method);
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(token)
}

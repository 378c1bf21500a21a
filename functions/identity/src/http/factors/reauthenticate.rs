//! Proving once more who one is, for what is sensitive.

use access::{Caller, Enrolling, audit};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use db::Actor;
use web::{
    Problem, ValidJson,
    problem::{FieldCode, Result},
};

use super::second_factor::{Given, GivenCode, Me, ProvedToken, prove, use_code};
use crate::{
    App,
    domain::{password::GivenPassword, password_hash::Verdict, throttle::Attempt},
    error::PROOF_REFUSED,
    http::sign_in::mfa::{one_of, only_one},
    store::accounts::{self, Credentials},
};

web::body! {
    /// One proof.
    pub struct Reauthenticate {
        /// The password,
        pub password: Option<GivenPassword>,
        /// or the six digits of the authenticator app,
        pub code: Option<GivenCode>,
        /// or a recovery code.
        pub recovery_code: Option<GivenCode>,
    }
    example { "password": "correct horse battery staple" }
}

/// Prove again who you are: the next 10 minutes this session may do what is sensitive.
///
/// A code of the second factor also raises the session to `aal2`. Use the new access token from then on: it tells every
/// part of the platform at once.
#[utoipa::path(post, path = "/auth/reauthenticate", responses((status = 200, body = ProvedToken, description = "Proved.")))]
pub(crate) async fn reauthenticate(
    State(app): State<App>,
    caller: Caller<Enrolling>,
    body: ValidJson<Reauthenticate>,
) -> Result<Json<ProvedToken>> {
    let now = app.state.clock().now();
    let me = Me::of(&caller)?;
    let Reauthenticate {
        password,
        code,
        recovery_code,
    } = body.value;
    let given = one_of(code, recovery_code)?;
    let token = match (password, given) {
        (Some(password), None) => by_password(&app, &caller, me, &password, now).await?,
        (None, Some(given)) => by_code(&app, &caller, me, &given, now).await?,
        (None, None) => return Err(Problem::field("/password", FieldCode::Required)),
        (Some(_), Some(_)) => return Err(only_one("/code")),
    };
    app.state.authenticator().invalidate_session(me.tenant, me.session).await;
    Ok(Json(token))
}

async fn by_password(
    app: &App,
    caller: &Caller<Enrolling>,
    me: Me,
    password: &GivenPassword,
    now: DateTime<Utc>,
) -> Result<ProvedToken> {
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
    if app.hasher.verify(password.expose(), stored).await? == Verdict::Wrong {
        return Err(refused(attempt, now));
    }
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    let after = accounts::find_credentials(&mut tx, me.user).await?;
    // Changed while it was checked.
    if after.is_none_or(|after| after.password_hash != before.password_hash) {
        return Err(PROOF_REFUSED.problem());
    }
    let mut amr = caller.amr.clone();
    if !amr.iter().any(|member| member == "pwd") {
        amr.push("pwd".to_owned());
    }
    finish(app, tx, caller, me, (amr, "password"), now).await
}

async fn by_code(
    app: &App,
    caller: &Caller<Enrolling>,
    me: Me,
    given: &Given,
    now: DateTime<Utc>,
) -> Result<ProvedToken> {
    let (place, account) = (me.tenant.to_string(), me.user.to_string());
    let attempt = app
        .code_throttle
        .begin(&place, &account, caller.request().address(), now)
        .await?;
    let mut tx = app.db.begin(me.tenant, Actor::user(me.user)).await?;
    let Some(method) = use_code(app, &mut tx, caller.request(), me.user, given, now).await? else {
        return Err(refused(attempt, now));
    };
    let amr = method.added_to(caller.amr.clone());
    finish(app, tx, caller, me, (amr, method.as_str()), now).await
}

async fn finish(
    app: &App,
    mut tx: db::TenantTx,
    caller: &Caller<Enrolling>,
    me: Me,
    (amr, method): (Vec<String>, &str),
    now: DateTime<Utc>,
) -> Result<ProvedToken> {
    let token = prove(app, &mut tx, (me, &caller.role), amr, now).await?;
    let entry = audit::Entry::new("identity.session.reauthenticated", "session", me.session)
        .change("method", serde_json::Value::Null, method);
    let reason = caller.reason.as_deref();
    audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    tx.commit().await?;
    Ok(token)
}

async fn find_credentials(app: &App, me: Me) -> Result<Credentials> {
    let mut tx = app
        .db
        .begin_read_only(me.tenant, Actor::user(me.user))
        .await?;
    let found = accounts::find_credentials(&mut tx, me.user).await?;
    tx.commit().await?;
    found.ok_or_else(|| PROOF_REFUSED.problem())
}

fn refused(attempt: Attempt, now: DateTime<Utc>) -> Problem {
    attempt.failed(now);
    PROOF_REFUSED.problem()
}

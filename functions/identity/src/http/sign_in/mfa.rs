//! The second step of signing in.

use std::sync::Arc;

use access::{Tenant, opaque::Opaque};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::{Actor, TenantTx};
use http::HeaderMap;
use ids::{MfaChallenge, TenantId, UserId};
use web::{
    Problem, RequestInfo, Localized, ValidJson,
    problem::{FieldCode, Result},
};

use super::first_factor::{Entered, admit, passkey_challenge};
use crate::{
    App,
    domain::{factor::FactorMethod, status::UserStatus},
    error::{INVALID_CODE, INVALID_MFA_TOKEN, unauthorized},
    http::{
        factors::{
            passkey_assertion::{PasskeyAssertion, Presented},
            second_factor::{Given, GivenCode, use_code},
        },
        links::one_time_link::GivenToken,
        sessions::session::{Device, TokenAnswer},
        tenant::{find_living, introduce},
    },
    store::{
        accounts,
        mfa_challenges::{self, Waiting},
        users,
    },
};

web::body! {
    /// A sign-in that waits, and one code.
    pub struct ProveSecondFactor {
        /// As signing in gave it.
        pub mfa_token: GivenToken,
        /// The six digits of the authenticator app.
        pub code: Option<GivenCode>,
        /// Or a recovery code.
        pub recovery_code: Option<GivenCode>,
        /// Or what an authenticator answered to the `passkey_options`.
        pub passkey: Option<PasskeyAssertion>,
    }
    example { "mfa_token": "AZrx8m0-fBGOWjsaLD1OX_4", "code": "287082" }
}

/// The one code that was given.
pub(crate) fn one_of(
    code: Option<GivenCode>,
    recovery_code: Option<GivenCode>,
) -> Result<Option<Given>> {
    match (code, recovery_code) {
        (Some(code), None) => Ok(Some(Given::Totp(code))),
        (None, Some(code)) => Ok(Some(Given::RecoveryCode(code))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(only_one("/recovery_code")),
    }
}

/// Refuses a second proof beside the first: which counts must not be guessed.
pub(crate) fn only_one(pointer: &str) -> Problem {
    let texts = Localized {
        de: "nur ein Nachweis auf einmal",
        en: "one proof at a time",
    };
    Problem::field(pointer, FieldCode::Rule("only_one", texts))
}

/// Finish signing in with the second factor.
///
/// The device and the way of the refresh token are those with which signing in began. A wrong code leaves the sign-in open
/// until its time is over.
#[utoipa::path(
    post,
    path = "/auth/mfa",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "Signed in."))
)]
pub(crate) async fn prove_second_factor(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<ProveSecondFactor>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let ProveSecondFactor {
        mfa_token,
        code,
        recovery_code,
        passkey,
    } = body.value;
    let code = one_of(code, recovery_code)?;
    let token = Opaque::<MfaChallenge>::parse(mfa_token.expose()).ok_or_else(invalid)?;
    let tenant = find_living(&app, token.tenant).await?.ok_or_else(invalid)?;
    let given = read(&app, tenant.id, code, passkey.as_ref()).await?;
    let mut tx = app.db.begin(tenant.id, Actor::SYSTEM).await?;
    let waiting = mfa_challenges::find_challenge(&mut tx, &token, now).await?;
    tx.commit().await?;
    let waiting = waiting.ok_or_else(invalid)?;
    let device = waiting.device();
    device.check_page(&app, &headers, Some(tenant.id)).await?;
    let (place, account) = (tenant.id.to_string(), waiting.user.to_string());
    let attempt = app
        .code_throttle
        .begin(&place, &account, request.address(), now)
        .await?;
    app.signer().await?;
    let entered = finish(
        &app,
        tenant,
        (&token, waiting, &given),
        (&request, &headers, &device),
        now,
    )
    .await;
    if entered
        .as_ref()
        .is_err_and(|problem| problem.kind() == &INVALID_CODE)
    {
        attempt.failed(now);
    }
    entered?.answer(&app, &device, now).await
}

/// The one proof that was given.
enum SecondProof {
    Code(Given),
    /// On the page of this host.
    Passkey(Box<Presented>, String),
}

async fn read(
    app: &App,
    tenant: TenantId,
    code: Option<Given>,
    passkey: Option<&PasskeyAssertion>,
) -> Result<SecondProof> {
    match (code, passkey) {
        (Some(code), None) => Ok(SecondProof::Code(code)),
        (None, Some(passkey)) => {
            let refused = || unauthorized(&INVALID_CODE);
            let presented = Presented::read(passkey).ok_or_else(refused)?;
            let rp_id = presented.page(app, tenant).await?.ok_or_else(refused)?;
            Ok(SecondProof::Passkey(Box::new(presented), rp_id))
        }
        (None, None) => Err(Problem::field("/code", FieldCode::Required)),
        (Some(_), Some(_)) => Err(only_one("/passkey")),
    }
}

/// Uses the passkey, if it is the person's and was asked in this very sign-in.
async fn use_passkey(
    tx: &mut TenantTx,
    (token, user): (&Opaque<MfaChallenge>, UserId),
    (presented, rp_id): (&Presented, &str),
    now: DateTime<Utc>,
) -> Result<Option<FactorMethod>> {
    let challenge = passkey_challenge(token);
    let accepted = presented
        .use_passkey(tx, &challenge, (rp_id, false), now)
        .await?;
    Ok(accepted
        .filter(|passkey| passkey.user == user)
        .map(|_| FactorMethod::Passkey))
}

fn invalid() -> Problem {
    unauthorized(&INVALID_MFA_TOKEN)
}

/// The wait, the code and the session are one transaction: a code that is wrong leaves the wait as it was.
async fn finish(
    app: &App,
    tenant: Arc<Tenant>,
    (token, waiting, given): (&Opaque<MfaChallenge>, Waiting, &SecondProof),
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Entered> {
    let mut tx = app.db.begin(tenant.id, Actor::user(waiting.user)).await?;
    // The account first, as whoever changes it does: a session that is opened meanwhile is ended with the others.
    if !accounts::hold_account(&mut tx, waiting.user, None).await? {
        return Err(invalid());
    }
    if !mfa_challenges::use_challenge(&mut tx, token, now).await? {
        return Err(invalid());
    }
    let user = users::find_user(&mut tx, access::Reach::All, waiting.user, false)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(invalid)?;
    introduce(request, &tenant, user.id, &user.locale);
    let method = match given {
        SecondProof::Code(given) => use_code(app, &mut tx, request, user.id, given, now).await?,
        SecondProof::Passkey(presented, rp_id) => {
            use_passkey(&mut tx, (token, user.id), (presented, rp_id), now).await?
        }
    };
    let method = method.ok_or_else(|| unauthorized(&INVALID_CODE))?;
    let entered = admit(
        app,
        &mut tx,
        (tenant, user),
        method.added_to(waiting.amr),
        (request, headers, device),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(entered)
}

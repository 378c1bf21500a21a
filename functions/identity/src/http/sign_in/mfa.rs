//! Completes a sign-in with the second factor.

use std::sync::Arc;

use access::{Tenant, opaque::Opaque};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::{Actor, TenantTx};
use http::HeaderMap;
use ids::{MfaChallenge, TenantId, UserId};
use web::{
    Localized, Problem, RequestInfo, ValidJson,
    problem::{FieldCode, Result},
};

use super::first_factor::{SignInOutcome, issue_session, passkey_challenge};
use crate::{
    App,
    domain::{factor::FactorMethod, status::UserStatus},
    error::{INVALID_CODE, INVALID_MFA_TOKEN, unauthorized},
    http::{
        factors::{
            passkey_assertion::{DecodedAssertion, PasskeyAssertion},
            second_factor::{CodeInput, SubmittedCode, use_code},
        },
        links::one_time_link::TokenInput,
        sessions::session::{Device, TokenAnswer},
        tenant::{find_open_tenant, set_caller},
    },
    store::{
        accounts,
        mfa_challenges::{self, PendingMfa},
        users,
    },
};

web::body! {
    /// A pending sign-in, with exactly one proof of the second factor.
    pub struct ProveSecondFactor {
        /// `mfa_token` from the sign-in.
        pub mfa_token: TokenInput,
        /// Six-digit code from the authenticator app.
        pub code: Option<CodeInput>,
        /// A recovery code.
        pub recovery_code: Option<CodeInput>,
        /// The authenticator's response to `passkey_options`.
        pub passkey: Option<PasskeyAssertion>,
    }
    example { "mfa_token": "AZrx8m0-fBGOWjsaLD1OX_4", "code": "287082" }
}

/// The one code that was given. Refuses none or several.
pub(crate) fn single_code(
    code: Option<CodeInput>,
    recovery_code: Option<CodeInput>,
) -> Result<Option<SubmittedCode>> {
    match (code, recovery_code) {
        (Some(code), None) => Ok(Some(SubmittedCode::Totp(code))),
        (None, Some(code)) => Ok(Some(SubmittedCode::RecoveryCode(code))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(multiple_proofs("/recovery_code")),
    }
}

/// Refuses a request with more than one proof.
pub(crate) fn multiple_proofs(pointer: &str) -> Problem {
    let texts = Localized {
        de: "ist nicht zulässig: nur ein Nachweis pro Anfrage",
        en: "is not allowed: only one proof per request",
    };
    Problem::field(pointer, FieldCode::Rule("only_one", texts))
}

/// Complete sign-in with a second factor
///
/// Takes exactly one of code, recovery code and passkey. Device name and refresh token mode are those of the first step. After an
/// incorrect code the sign-in can be retried until it expires.
#[utoipa::path(
    post,
    path = "/auth/mfa",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = TokenAnswer, description = "Signed in; the tokens of the new session."))
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
    let code = single_code(code, recovery_code)?;
    let token = Opaque::<MfaChallenge>::parse(mfa_token.expose()).ok_or_else(invalid_mfa_token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid_mfa_token)?;
    let submitted = parse_proof(&app, tenant.id, code, passkey.as_ref()).await?;
    let mut tx = app.db.begin(tenant.id, Actor::SYSTEM).await?;
    let pending = mfa_challenges::find_challenge(&mut tx, &token, now).await?;
    tx.commit().await?;
    let pending = pending.ok_or_else(invalid_mfa_token)?;
    let device = pending.device();
    device.check_page(&app, &headers, Some(tenant.id)).await?;
    let (tenant_key, account) = (tenant.id.to_string(), pending.user.to_string());
    let attempt = app
        .code_throttle
        .begin(&tenant_key, &account, request.address(), now)
        .await?;
    app.signer().await?;
    let outcome = complete_second_factor(
        &app,
        tenant,
        (&token, pending, &submitted),
        (&request, &headers, &device),
        now,
    )
    .await;
    if outcome
        .as_ref()
        .is_err_and(|problem| problem.kind() == &INVALID_CODE)
    {
        attempt.record_failure(now);
    }
    outcome?.into_response(&app, &device, now).await
}

/// The proof that was given.
enum SecondFactorProof {
    Code(SubmittedCode),
    /// With the host of the page on which it was used.
    Passkey(Box<DecodedAssertion>, String),
}

async fn parse_proof(
    app: &App,
    tenant: TenantId,
    code: Option<SubmittedCode>,
    passkey: Option<&PasskeyAssertion>,
) -> Result<SecondFactorProof> {
    match (code, passkey) {
        (Some(code), None) => Ok(SecondFactorProof::Code(code)),
        (None, Some(passkey)) => {
            let refused = || unauthorized(&INVALID_CODE);
            let assertion = DecodedAssertion::parse(passkey).ok_or_else(refused)?;
            let rp_id = assertion
                .find_rp_id(app, tenant)
                .await?
                .ok_or_else(refused)?;
            Ok(SecondFactorProof::Passkey(Box::new(assertion), rp_id))
        }
        (None, None) => Err(Problem::field("/code", FieldCode::Required)),
        (Some(_), Some(_)) => Err(multiple_proofs("/passkey")),
    }
}

/// Uses the passkey, if it belongs to the user and signed the challenge of this sign-in.
async fn use_passkey(
    tx: &mut TenantTx,
    (token, user): (&Opaque<MfaChallenge>, UserId),
    (assertion, rp_id): (&DecodedAssertion, &str),
    now: DateTime<Utc>,
) -> Result<Option<FactorMethod>> {
    let challenge = passkey_challenge(token);
    let accepted = assertion
        .use_passkey(tx, &challenge, (rp_id, false), now)
        .await?;
    Ok(accepted
        .filter(|passkey| passkey.user == user)
        .map(|_| FactorMethod::Passkey))
}

fn invalid_mfa_token() -> Problem {
    unauthorized(&INVALID_MFA_TOKEN)
}

/// Uses the pending sign-in and the code and creates the session in one transaction, so an incorrect code leaves the sign-in open.
async fn complete_second_factor(
    app: &App,
    tenant: Arc<Tenant>,
    (token, pending, submitted): (&Opaque<MfaChallenge>, PendingMfa, &SecondFactorProof),
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<SignInOutcome> {
    let mut tx = app.db.begin(tenant.id, Actor::user(pending.user)).await?;
    // Lock the account first, in the same order as changes to it, so that they end a session created concurrently as well.
    if !accounts::lock_account_shared(&mut tx, pending.user, None).await? {
        return Err(invalid_mfa_token());
    }
    if !mfa_challenges::use_challenge(&mut tx, token, now).await? {
        return Err(invalid_mfa_token());
    }
    let user = users::find_user(&mut tx, access::Reach::All, pending.user, false)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(invalid_mfa_token)?;
    set_caller(request, &tenant, user.id, &user.locale);
    let method = match submitted {
        SecondFactorProof::Code(submitted) => {
            use_code(app, &mut tx, request, user.id, submitted, now).await?
        }
        SecondFactorProof::Passkey(assertion, rp_id) => {
            use_passkey(&mut tx, (token, user.id), (assertion, rp_id), now).await?
        }
    };
    let method = method.ok_or_else(|| unauthorized(&INVALID_CODE))?;
    let outcome = issue_session(
        app,
        &mut tx,
        (tenant, user),
        method.extend_amr(pending.amr),
        (request, headers, device),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(outcome)
}

//! Completes a sign-in with the second factor.

use crate::ids::MfaChallenge;
use access::opaque::Opaque;
use axum::{extract::State, response::Response};
use db::{Actor, TenantTx};
use http::HeaderMap;
use ids::{TenantId, UserId};
use web::{
    Localized, Problem, RequestInfo, SingleLine, ValidJson,
    problem::{FieldCode, Result},
};

use super::{
    client::Client,
    first_factor::passkey_challenge,
    flow::{Authentication, SignIn},
};
use crate::{
    App,
    domain::{factor::FactorMethod, webauthn::Expected},
    error::{INVALID_CODE, INVALID_MFA_TOKEN, unauthorized},
    http::{
        factors::{
            passkey_assertion::{DecodedAssertion, PasskeyAssertion},
            second_factor::{CodeInput, SubmittedCode, use_code},
        },
        links::one_time_link::TokenInput,
        sessions::session::{Device, TokenAnswer},
        tenant::find_open_tenant,
    },
    store::{
        accounts,
        mfa_challenges::{self, PendingMfa},
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
    let mut tx = app.begin_read_only(tenant.id, Actor::SYSTEM).await?;
    let now = tx.now();
    let pending = mfa_challenges::find_challenge(&mut tx, &token).await?;
    tx.commit().await?;
    let pending = pending.ok_or_else(invalid_mfa_token)?;
    let device_name = pending.device_name.as_deref();
    let device = Device {
        mode: pending.refresh_mode,
        name: device_name.and_then(|name| SingleLine::parse(name).ok()),
    };
    let client = Client::new(&app, &request, &headers, device);
    client.check_page(Some(tenant.id)).await?;
    let (tenant_key, account) = (tenant.id.to_string(), pending.user.to_string());
    let attempt = app
        .code_throttle
        .begin(&tenant_key, &account, request.address(), now)
        .await?;
    let sign_in = client.sign_in_to(tenant).await?;
    let response = complete_second_factor(&sign_in, &token, pending, &submitted).await?;
    response.ok_or_else(|| {
        attempt.record_failure(now);
        unauthorized(&INVALID_CODE)
    })
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
    token: &Opaque<MfaChallenge>,
    user: UserId,
    assertion: &DecodedAssertion,
    rp_id: &str,
) -> Result<Option<FactorMethod>> {
    let expected = Expected {
        challenge: &passkey_challenge(token),
        rp_id,
        verified: false,
    };
    let accepted = assertion.use_passkey(tx, expected).await?;
    Ok(accepted
        .filter(|passkey| passkey.user == user)
        .map(|_| FactorMethod::Passkey))
}

fn invalid_mfa_token() -> Problem {
    unauthorized(&INVALID_MFA_TOKEN)
}

/// Uses the pending sign-in and the code and creates the session in one transaction, so an incorrect code, which is `None`, leaves
/// the sign-in open.
async fn complete_second_factor(
    sign_in: &SignIn<'_>,
    token: &Opaque<MfaChallenge>,
    pending: PendingMfa,
    submitted: &SecondFactorProof,
) -> Result<Option<Response>> {
    let mut unit = sign_in.begin(Actor::user(pending.user)).await?;
    // Lock the account first, in the same order as changes to it, so that they end a session created concurrently as well.
    if !accounts::lock_account_shared(&mut unit, pending.user, None).await? {
        return Err(invalid_mfa_token());
    }
    if !mfa_challenges::use_challenge(&mut unit, token).await? {
        return Err(invalid_mfa_token());
    }
    let user = sign_in
        .load_user(&mut unit, pending.user)
        .await?
        .ok_or_else(invalid_mfa_token)?;
    let method = match submitted {
        SecondFactorProof::Code(submitted) => {
            use_code(sign_in.client.app, &mut unit, user.id, submitted).await?
        }
        SecondFactorProof::Passkey(assertion, rp_id) => {
            use_passkey(&mut unit, token, user.id, assertion, rp_id).await?
        }
    };
    let Some(method) = method else {
        unit.rollback();
        return Ok(None);
    };
    let authentication = Authentication::AllFactors(method.extend_amr(pending.amr));
    Ok(Some(sign_in.finish(unit, user, authentication).await?))
}

//! An authenticator app for tests, and helpers to set it up.

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestResponse};

use super::{bearer, login, try_login};

/// The state of an authenticator app.
#[derive(Clone)]
pub(crate) struct TotpApp {
    secret: Vec<u8>,
}

impl TotpApp {
    /// Sets the app up with the secret from the platform.
    pub(crate) fn of(started: &Value) -> Self {
        let secret = started["secret"].as_str().unwrap();
        Self {
            secret: BASE32_NOPAD.decode(secret.as_bytes()).unwrap(),
        }
    }

    /// The code of the current time step.
    pub(crate) fn code(&self, app: &TestApp) -> String {
        self.code_at(app.clock.now().timestamp() / 30)
    }

    /// The code of any time step.
    pub(crate) fn code_at(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap());
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }

    /// Six digits that are not a valid code in the near future.
    pub(crate) fn wrong_code(&self, app: &TestApp) -> String {
        let step = app.clock.now().timestamp() / 30;
        let codes: Vec<String> = (step - 2..=step + 2)
            .map(|step| self.code_at(step))
            .collect();
        let wrong = ["000000", "111111", "222222", "333333", "444444", "555555"];
        let wrong = wrong
            .iter()
            .find(|wrong| !codes.iter().any(|code| code == *wrong));
        wrong.unwrap().to_string()
    }
}

/// Sets an app up and confirms it; returns the app, the recovery codes and the caller with the new token. Advances the clock, so
/// that the next code is unused.
pub(crate) async fn enrol(app: &TestApp, client: &Client) -> (TotpApp, Vec<String>, Client) {
    let started = client
        .post("/api/v1/auth/mfa/totp", json!({}))
        .await
        .expect(201)
        .json();
    let totp = TotpApp::of(&started);
    let confirmed = confirm(client, &totp.code(app)).await.expect(200).json();
    app.clock.advance(std::time::Duration::from_secs(30));
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned());
    (totp, codes.collect(), bearer(app, &confirmed))
}

/// Signs in and sets an app up.
pub(crate) async fn login_and_enrol(app: &TestApp, email: &str) -> (TotpApp, Vec<String>, Client) {
    let client = bearer(app, &login(app, email).await);
    enrol(app, &client).await
}

/// Confirms an app and returns the response.
pub(crate) async fn confirm(client: &Client, code: &str) -> TestResponse {
    let body = json!({"code": code});
    client.post("/api/v1/auth/mfa/totp/confirm", body).await
}

/// The token of a sign-in that waits for the second factor.
pub(crate) async fn pending_sign_in(app: &TestApp, email: &str) -> Value {
    let answer = try_login(app, "demo", email, super::PASSWORD)
        .await
        .expect(200)
        .json();
    assert_eq!(answer["mfa_required"], true, "{answer}");
    assert!(answer.get("access_token").is_none());
    answer["mfa_token"].clone()
}

/// Submits the second factor and returns the response.
pub(crate) async fn submit_second_factor(
    app: &TestApp,
    token: &Value,
    kind: &str,
    code: &str,
) -> TestResponse {
    let body = json!({"mfa_token": token, kind: code});
    app.anonymous().post("/api/v1/auth/mfa", body).await
}

/// Reauthenticates and returns the response.
pub(crate) async fn reauthenticate(client: &Client, kind: &str, proof: &str) -> TestResponse {
    let body = json!({kind: proof});
    client.post("/api/v1/auth/reauthenticate", body).await
}

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;
use serde_json::{Value, json};
use testkit::PUBLIC_URL;

use super::{
    PASSWORD, add, announced, audited, bearer, count, demo, execute,
    factors::{TotpApp, confirm, login_and_enrol, pending_sign_in, submit_second_factor},
    login, try_login,
};

const ADA: &str = "ada@demo.example";

fn claims(tokens: &Value) -> Value {
    let token = tokens["access_token"].as_str().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn an_app_is_active_after_its_first_code() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let client = bearer(&app, &login(&app, ADA).await);
    let started = client
        .post("/api/v1/auth/mfa/totp", json!({}))
        .await
        .expect(201);
    assert_eq!(started.header("location"), "/api/v1/auth/mfa/totp");
    let started = started.json();
    let secret = started["secret"].as_str().unwrap();
    assert_eq!(
        started["otpauth_uri"],
        format!(
            "otpauth://totp/demo:ada%40demo.example?secret={secret}&issuer=demo&algorithm=SHA1&digits=6&period=30"
        )
    );
    assert!(
        started["qr_png"]
            .as_str()
            .unwrap()
            .starts_with("data:image/png;base64,iVBORw0KGgo")
    );
    assert_eq!(started["expires_at"], "2026-11-20T10:05:00Z");
    login(&app, ADA).await["access_token"].as_str().unwrap();
    let shown = client.get("/api/v1/auth/mfa/totp").await.expect(200).json();
    assert_eq!(
        shown,
        json!({"enabled": false, "confirmed_at": null, "pending_until": "2026-11-20T10:05:00Z"})
    );

    let totp = TotpApp::of(&started);
    confirm(&client, &totp.wrong_code(&app))
        .await
        .expect_problem(403, "proof_refused");
    let confirmed = confirm(&client, &totp.code(&app)).await.expect(200).json();
    assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(claims(&confirmed)["aal"], "aal2");
    let shown = client.get("/api/v1/auth/mfa/totp").await.expect(200).json();
    assert_eq!(
        shown,
        json!({"enabled": true, "confirmed_at": "2026-11-20T10:00:00Z", "pending_until": null})
    );
    let status = client.get("/api/v1/auth/status").await.expect(200).json();
    assert_eq!(status["session"]["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(status["session"]["aal"], "aal2");
    pending_sign_in(&app, ADA).await;

    assert_eq!(
        announced(&app, "de.revalenz.identity.mfa.enabled.v1").await,
        1
    );
    assert_eq!(audited(&app, "identity.mfa.enabled").await, 1);
    let mirrored = "select count(*) from access.people where second_factor";
    assert_eq!(count(&app, mirrored).await, 1);
    let sealed: Vec<u8> = sqlx::query_scalar("select secret_sealed from identity.mfa_totp")
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap();
    let plain = data_encoding::BASE32_NOPAD
        .decode(secret.as_bytes())
        .unwrap();
    assert!(!sealed.windows(plain.len()).any(|part| part == plain));
}

#[tokio::test]
async fn an_unconfirmed_app_expires() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let client = bearer(&app, &login(&app, ADA).await);
    confirm(&client, "123456")
        .await
        .expect_problem(409, "no_enrolment");
    let start = async || {
        let started = client.post("/api/v1/auth/mfa/totp", json!({})).await;
        TotpApp::of(&started.expect(201).json())
    };
    let late = start().await;
    app.clock.advance(Duration::from_mins(5));
    confirm(&client, &late.code(&app))
        .await
        .expect_problem(409, "no_enrolment");
    let (first, second) = (start().await, start().await);
    confirm(&client, &first.code(&app))
        .await
        .expect_problem(403, "proof_refused");
    confirm(&client, &second.code(&app)).await.expect(200);
    client
        .post("/api/v1/auth/mfa/totp", json!({}))
        .await
        .expect_problem(409, "factor_exists");
    confirm(&client, &second.code(&app))
        .await
        .expect_problem(409, "no_enrolment");
}

#[tokio::test]
async fn signing_in_requires_the_code() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", ADA).await;
    let (totp, ..) = login_and_enrol(&app, ADA).await;
    let answer = try_login(&app, "demo", ADA, PASSWORD).await.expect(200);
    assert_eq!(answer.json()["expires_in"], 300);
    assert_eq!(answer.json()["methods"], json!(["totp", "recovery_code"]));
    let token = answer.json()["mfa_token"].clone();
    let started = audited(&app, "identity.session.started").await;

    for code in [
        &totp.wrong_code(&app),
        "",
        "12345678901234567890",
        "１２３４５６",
    ] {
        let status = if code.is_empty() { 422 } else { 401 };
        let refused = submit_second_factor(&app, &token, "code", code)
            .await
            .expect(status);
        assert!(status == 422 || refused.json()["code"] == "invalid_code");
    }
    let tokens = submit_second_factor(&app, &token, "code", &totp.code(&app))
        .await
        .expect(200)
        .json();
    assert_eq!(tokens["user"]["id"], id);
    let said = claims(&tokens);
    assert_eq!(said["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(said["aal"], "aal2");
    bearer(&app, &tokens).get("/api/v1/me").await.expect(200);
    assert_eq!(audited(&app, "identity.session.started").await, started + 1);
    submit_second_factor(&app, &token, "code", &totp.code_at(0))
        .await
        .expect_problem(401, "invalid_mfa_token");
    // After a refresh, the session still has its authentication methods.
    let next = super::try_refresh(&app, &tokens["refresh_token"]).await;
    assert_eq!(claims(&next.expect(200).json())["aal"], "aal2");
}

#[tokio::test]
async fn a_code_works_once_and_invalidates_older_ones() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let (totp, ..) = login_and_enrol(&app, ADA).await;
    let step = app.clock.now().timestamp() / 30;
    let enter = async |code: String| {
        let token = pending_sign_in(&app, ADA).await;
        submit_second_factor(&app, &token, "code", &code).await
    };
    // The code used for confirmation, one time step ago.
    enter(totp.code_at(step - 1))
        .await
        .expect_problem(401, "invalid_code");
    enter(totp.code_at(step + 2))
        .await
        .expect_problem(401, "invalid_code");
    enter(totp.code_at(step + 1)).await.expect(200);
    for used in [step + 1, step] {
        enter(totp.code_at(used))
            .await
            .expect_problem(401, "invalid_code");
    }
    app.clock.advance(Duration::from_mins(1));
    enter(totp.code(&app)).await.expect(200);
}

#[tokio::test]
async fn concurrent_uses_of_a_code_create_one_session() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let (totp, codes, _) = login_and_enrol(&app, ADA).await;
    let sessions = "select count(*) from access.sessions s join access.people p using (tenant_id, user_id) where p.email = 'ada@demo.example'";
    for (kind, code) in [("code", &totp.code(&app)), ("recovery_code", &codes[3])] {
        let before = count(&app, sessions).await;
        // One sign-in each.
        let mut tokens = Vec::new();
        for _ in 0..8 {
            tokens.push(pending_sign_in(&app, ADA).await);
        }
        let all = tokens
            .iter()
            .map(|token| submit_second_factor(&app, token, kind, code));
        let statuses: Vec<u16> = join_all(all)
            .await
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect();
        let entered = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(entered, 1, "{kind}: {statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 401)));
        assert_eq!(count(&app, sessions).await, before + 1);
    }
    // One sign-in, different codes.
    let before = count(&app, sessions).await;
    let token = pending_sign_in(&app, ADA).await;
    let all = codes[4..8]
        .iter()
        .map(|code| submit_second_factor(&app, &token, "recovery_code", code));
    let entered = join_all(all)
        .await
        .iter()
        .filter(|answer| answer.status == 200)
        .count();
    assert_eq!(entered, 1);
    assert_eq!(count(&app, sessions).await, before + 1);
    let used = "select count(*) from identity.mfa_recovery_codes where used_at is not null";
    assert_eq!(count(&app, used).await, 2);
}

#[tokio::test]
async fn a_recovery_code_works_once_and_a_new_set_replaces_the_old_one() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let (_, codes, client) = login_and_enrol(&app, ADA).await;
    let left = async || {
        let answer = client.get("/api/v1/auth/mfa/recovery-codes").await;
        answer.expect(200).json()["left"].as_i64().unwrap()
    };
    assert_eq!(left().await, 10);
    let typed = codes[0].to_uppercase().replace('-', " ");
    let token = pending_sign_in(&app, ADA).await;
    submit_second_factor(&app, &token, "recovery_code", &typed)
        .await
        .expect(200);
    assert_eq!(left().await, 9);
    assert_eq!(audited(&app, "identity.mfa.recovery_code_used").await, 1);
    let token = pending_sign_in(&app, ADA).await;
    submit_second_factor(&app, &token, "recovery_code", &codes[0])
        .await
        .expect_problem(401, "invalid_code");
    // It is not accepted as a code from the app.
    submit_second_factor(&app, &token, "code", &codes[1])
        .await
        .expect_problem(401, "invalid_code");

    let renewed = client
        .post("/api/v1/auth/mfa/recovery-codes", json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(left().await, 10);
    submit_second_factor(&app, &token, "recovery_code", &codes[1])
        .await
        .expect_problem(401, "invalid_code");
    let fresh = renewed["recovery_codes"][0].as_str().unwrap();
    submit_second_factor(&app, &token, "recovery_code", fresh)
        .await
        .expect(200);
    let bare = "select count(*) from identity.mfa_recovery_codes where length(code_hash) <> 32";
    assert_eq!(count(&app, bare).await, 0);
}

#[tokio::test]
async fn there_are_no_recovery_codes_without_a_factor() {
    let (app, tenant) = demo().await;
    app.as_user(&tenant.customer)
        .post("/api/v1/auth/mfa/recovery-codes", json!({}))
        .await
        .expect_problem(409, "no_second_factor");
}

#[tokio::test]
async fn a_pending_sign_in_expires() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", ADA).await;
    let (totp, ..) = login_and_enrol(&app, ADA).await;
    let token = pending_sign_in(&app, ADA).await;
    app.clock.advance(Duration::from_mins(5));
    submit_second_factor(&app, &token, "code", &totp.code(&app))
        .await
        .expect_problem(401, "invalid_mfa_token");
    // The next one deletes the expired ones.
    let token = pending_sign_in(&app, ADA).await;
    let kept = "select count(*) from identity.mfa_challenges";
    assert_eq!(count(&app, kept).await, 1);
    // Nor for a user who can no longer sign in.
    app.as_user(&tenant.admin)
        .put(&format!("/api/v1/users/{id}"), json!({"status": "locked"}))
        .await
        .expect(200);
    submit_second_factor(&app, &token, "code", &totp.code(&app))
        .await
        .expect_problem(401, "invalid_mfa_token");
}

#[tokio::test]
async fn unknown_and_expired_tokens_are_refused_alike() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let (totp, ..) = login_and_enrol(&app, ADA).await;
    let token = pending_sign_in(&app, ADA).await;
    let text = token.as_str().unwrap();
    let other = app.tenant("other").await;
    let elsewhere = URL_SAFE_NO_PAD.decode(text).unwrap();
    let elsewhere = [other.id.uuid().as_bytes(), &elsewhere[16..]].concat();
    let mut changed = text.to_owned();
    changed.replace_range(85.., if text.ends_with('A') { "Q" } else { "A" });
    for token in [
        "x".to_owned(),
        changed,
        URL_SAFE_NO_PAD.encode(elsewhere),
        URL_SAFE_NO_PAD.encode([7; 64]),
    ] {
        submit_second_factor(&app, &json!(token), "code", &totp.code(&app))
            .await
            .expect_problem(401, "invalid_mfa_token");
    }
    for body in [
        json!({"mfa_token": text}),
        json!({"mfa_token": text, "code": "123456", "recovery_code": "x"}),
    ] {
        app.anonymous()
            .post("/api/v1/auth/mfa", body)
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn the_sixteenth_wrong_code_throttles_only_its_account() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    add(&app, &tenant, "customer", "bob@demo.example").await;
    let (totp, codes, client) = login_and_enrol(&app, ADA).await;
    let (bobs, ..) = login_and_enrol(&app, "bob@demo.example").await;
    for round in 0..15 {
        let token = pending_sign_in(&app, ADA).await;
        let (kind, wrong) = if round % 2 == 0 {
            ("code", totp.wrong_code(&app))
        } else {
            ("recovery_code", "aaaa-aaaa-aaaa-aaaa".to_owned())
        };
        submit_second_factor(&app, &token, kind, &wrong)
            .await
            .expect_problem(401, "invalid_code");
    }
    let token = pending_sign_in(&app, ADA).await;
    let answer = submit_second_factor(&app, &token, "code", &totp.code(&app)).await;
    assert_eq!(answer.expect(429).header("retry-after"), "900");
    submit_second_factor(&app, &token, "recovery_code", &codes[0])
        .await
        .expect_problem(429, "rate_limited");
    super::factors::reauthenticate(&client, "code", &totp.code(&app))
        .await
        .expect_problem(429, "rate_limited");
    let bob = pending_sign_in(&app, "bob@demo.example").await;
    submit_second_factor(&app, &bob, "code", &bobs.code(&app))
        .await
        .expect(200);
    app.clock.advance(Duration::from_mins(15));
    let token = pending_sign_in(&app, ADA).await;
    submit_second_factor(&app, &token, "code", &totp.code(&app))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_sign_in_started_with_a_cookie_ends_with_one() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let (totp, ..) = login_and_enrol(&app, ADA).await;
    let page = app
        .anonymous()
        .with("origin", PUBLIC_URL)
        .with("sec-fetch-site", "same-origin")
        .with("x-csrf-token", "1");
    let body = json!({"tenant": "demo", "email": ADA, "password": PASSWORD, "refresh": "cookie", "device_name": "Kitchen"});
    let begun = page.post("/api/v1/auth/login", body).await.expect(200);
    assert!(!begun.headers.contains_key("set-cookie"));
    let body = json!({"mfa_token": begun.json()["mfa_token"], "code": totp.code(&app)});
    app.anonymous()
        .post("/api/v1/auth/mfa", body.clone())
        .await
        .expect_problem(403, "csrf_refused");
    let tokens = page.post("/api/v1/auth/mfa", body).await.expect(200);
    assert!(tokens.header("set-cookie").starts_with("__Host-refresh="));
    assert!(tokens.json().get("refresh_token").is_none());
    let status = bearer(&app, &tokens.json())
        .get("/api/v1/auth/status")
        .await;
    assert_eq!(
        status.expect(200).json()["session"]["device_name"],
        "Kitchen"
    );
}

#[tokio::test]
async fn a_removed_app_is_no_longer_required() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let (totp, codes, client) = login_and_enrol(&app, ADA).await;
    let token = pending_sign_in(&app, ADA).await;
    client.delete("/api/v1/auth/mfa/totp").await.expect(204);
    client
        .delete("/api/v1/auth/mfa/totp")
        .await
        .expect_problem(404, "not_found");
    for (kind, code) in [("code", &totp.code(&app)), ("recovery_code", &codes[0])] {
        submit_second_factor(&app, &token, kind, code)
            .await
            .expect_problem(401, "invalid_mfa_token");
    }
    assert!(login(&app, ADA).await["access_token"].is_string());
    let kept = "select (select count(*) from identity.mfa_recovery_codes)
        + (select count(*) from identity.mfa_totp) + (select count(*) from access.people where second_factor)";
    assert_eq!(count(&app, kept).await, 0);
    assert_eq!(
        announced(&app, "de.revalenz.identity.mfa.disabled.v1").await,
        1
    );
    assert_eq!(audited(&app, "identity.mfa.disabled").await, 1);
}

#[tokio::test]
async fn a_sealed_secret_opens_only_for_its_user() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    add(&app, &tenant, "customer", "eve@demo.example").await;
    login_and_enrol(&app, ADA).await;
    let (totp, ..) = login_and_enrol(&app, "eve@demo.example").await;
    execute(
        &app,
        "update identity.mfa_totp set secret_sealed = (
            select t.secret_sealed from identity.mfa_totp t join identity.users u using (tenant_id, user_id)
            where u.email = 'eve@demo.example'
        )",
    )
    .await;
    let token = pending_sign_in(&app, ADA).await;
    submit_second_factor(&app, &token, "code", &totp.code(&app))
        .await
        .expect(500);
}

#[tokio::test]
async fn an_api_key_has_no_factors() {
    let (app, tenant) = demo().await;
    let key = app.key(tenant.id, &[]).await;
    for path in ["totp", "recovery-codes"] {
        let path = format!("/api/v1/auth/mfa/{path}");
        key.get(&path).await.expect_problem(403, "not_a_person");
        key.post(&path, json!({}))
            .await
            .expect_problem(403, "not_a_person");
    }
    super::factors::reauthenticate(&key, "password", PASSWORD)
        .await
        .expect_problem(403, "not_a_person");
}

#[tokio::test]
async fn a_code_fails_while_the_account_is_being_changed() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let (totp, ..) = login_and_enrol(&app, ADA).await;
    app.clock.advance(Duration::from_secs(30));
    let waits = pending_sign_in(&app, ADA).await;
    // A password change locks the account before it ends the sessions that it sees.
    let mut change = app.admin().await;
    for sql in [
        "begin",
        "update identity.users set version = version where email = 'ada@demo.example'",
    ] {
        sqlx::query(sql).execute(&mut change).await.unwrap();
    }
    submit_second_factor(&app, &waits, "code", &totp.code(&app))
        .await
        .expect_problem(503, "unavailable");
    sqlx::query("rollback").execute(&mut change).await.unwrap();
    submit_second_factor(&app, &waits, "code", &totp.code(&app))
        .await
        .expect(200);
}

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestResponse};

use super::{
    PASSWORD, add, announced, audited,
    authenticator::{Authenticator, text},
    bearer, count, demo, execute,
    factors::{enrol, pending_sign_in, submit_second_factor},
    login, try_login,
};

const ADA: &str = "ada@demo.example";
const PATH: &str = "/api/v1/auth/passkeys";

/// Makes an authenticator respond incorrectly.
type Bend = fn(&mut Authenticator);

async fn options(client: &Client) -> Value {
    let path = format!("{PATH}/options");
    client.post(&path, json!({})).await.expect(200).json()
}

/// Registers a passkey for the caller.
async fn register(client: &Client, algorithm: i64) -> (Authenticator, Value) {
    let mut authenticator = Authenticator::new(algorithm);
    let made = authenticator.create(&options(client).await);
    let registered = client.post(PATH, made).await.expect(201).json();
    (authenticator, registered)
}

async fn login_options(app: &TestApp) -> Value {
    let path = format!("{PATH}/login/options");
    let body = json!({"tenant": "demo"});
    app.anonymous().post(&path, body).await.expect(200).json()["public_key"].clone()
}

async fn sign_in_with_passkey(app: &TestApp, passkey: Value) -> TestResponse {
    let path = format!("{PATH}/login");
    let body = json!({"passkey": passkey});
    app.anonymous().post(&path, body).await
}

#[tokio::test]
async fn a_passkey_of_any_algorithm_signs_in() {
    let (app, tenant) = demo().await;
    for (index, algorithm) in [-7, -8, -257].into_iter().enumerate() {
        let email = format!("person{index}@demo.example");
        let id = add(&app, &tenant, "customer", &email).await;
        let client = bearer(&app, &login(&app, &email).await);
        let (mut authenticator, registered) = register(&client, algorithm).await;
        assert_eq!(registered["passkey"]["name"], "Telephone");
        assert_eq!(registered["recovery_codes"].as_array().unwrap().len(), 10);
        let answer =
            sign_in_with_passkey(&app, authenticator.get(&login_options(&app).await)).await;
        let tokens = answer.expect(200).json();
        assert_eq!(tokens["user"]["id"], id);
        let client = bearer(&app, &tokens);
        let status = client.get("/api/v1/auth/status").await.expect(200).json();
        assert_eq!(status["session"]["amr"], json!(["hwk", "mfa"]));
        assert_eq!(status["session"]["aal"], "aal2");
        let list = client.get(PATH).await.expect(200).json();
        assert_eq!(list["items"][0]["last_used_at"], "2026-11-20T10:00:00Z");
        assert_eq!(list["items"][0]["rp_id"], "api.revalenz.example");
    }
    let enabled = announced(&app, "de.revalenz.identity.mfa.enabled.v1").await;
    assert_eq!(
        (enabled, audited(&app, "identity.mfa.enabled").await),
        (3, 3)
    );
}

#[tokio::test]
async fn the_options_match_the_browser_api() {
    let (app, tenant) = demo().await;
    let client = app.as_user(&tenant.customer);
    let (authenticator, _) = register(&client, -7).await;
    let asked = options(&client).await["public_key"].clone();
    assert_eq!(
        asked["rp"],
        json!({"id": "api.revalenz.example", "name": "demo"})
    );
    assert_eq!(asked["user"]["name"], "customer@demo.example");
    assert_eq!(
        asked["user"]["id"],
        text(tenant.customer.id.uuid().as_bytes())
    );
    assert_eq!(asked["attestation"], "none");
    assert_eq!(
        asked["excludeCredentials"],
        json!([{"type": "public-key", "id": text(&authenticator.credential_id)}])
    );
    let asked = login_options(&app).await;
    assert_eq!(asked["allowCredentials"], json!([]));
    assert_eq!(asked["userVerification"], "required");
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_only_for_its_own_sign_in() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    add(&app, &tenant, "customer", "eve@demo.example").await;
    let client = bearer(&app, &login(&app, ADA).await);
    let (mut authenticator, _) = register(&client, -7).await;
    let eve = bearer(&app, &login(&app, "eve@demo.example").await);
    let (mut eves, _) = register(&eve, -7).await;
    let sign_in = async || {
        let answer = try_login(&app, "demo", ADA, PASSWORD).await;
        answer.expect(200).json()
    };
    let submit = async |begun: &Value, passkey: &Value| {
        let body = json!({"mfa_token": begun["mfa_token"], "passkey": passkey});
        app.anonymous().post("/api/v1/auth/mfa", body).await
    };
    let (begun, other) = (sign_in().await, sign_in().await);
    assert_eq!(begun["methods"], json!(["passkey", "recovery_code"]));
    assert_eq!(
        begun["passkey_options"]["allowCredentials"][0]["id"],
        text(&authenticator.credential_id)
    );
    // Another user's passkey, and the challenge of another sign-in.
    submit(&begun, &eves.get(&begun["passkey_options"]))
        .await
        .expect_problem(401, "invalid_code");
    submit(&begun, &authenticator.get(&other["passkey_options"]))
        .await
        .expect_problem(401, "invalid_code");
    submit(&begun, &authenticator.get(&login_options(&app).await))
        .await
        .expect_problem(401, "invalid_code");
    // User presence is enough here: the password was the first factor.
    authenticator.flags = 1;
    let passkey = authenticator.get(&begun["passkey_options"]);
    let tokens = submit(&begun, &passkey).await.expect(200).json();
    let status = bearer(&app, &tokens).get("/api/v1/auth/status").await;
    assert_eq!(
        status.expect(200).json()["session"]["amr"],
        json!(["pwd", "hwk", "mfa"])
    );
    submit(&begun, &passkey)
        .await
        .expect_problem(401, "invalid_mfa_token");
}

#[tokio::test]
async fn responses_made_for_another_purpose_are_refused() {
    let (app, tenant) = demo().await;
    let client = app.as_user(&tenant.customer);
    let (mut good, _) = register(&client, -7).await;
    let bends: [(&str, Bend); 8] = [
        ("a foreign page", |a| a.page = "https://evil.example".into()),
        ("a page below another name", |a| {
            a.page = "https://api.revalenz.example.evil.example".into();
        }),
        ("a page without TLS", |a| {
            a.page = "http://api.revalenz.example".into();
        }),
        ("another host's key", |a| a.host = "evil.example".into()),
        ("another ceremony", |a| a.kind = Some("payment.get")),
        ("inside a foreign page", |a| a.cross_origin = true),
        ("nobody there", |a| a.flags = 0b100),
        ("somebody else", |a| a.user_handle = vec![7; 16]),
    ];
    for (what, bend) in bends {
        let asked = login_options(&app).await;
        let before = (
            good.page.clone(),
            good.host.clone(),
            good.user_handle.clone(),
        );
        bend(&mut good);
        let answer = sign_in_with_passkey(&app, good.get(&asked)).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        assert_eq!(answer.json()["code"], "passkey_refused", "{what}");
        (good.page, good.host, good.user_handle) = before;
        (good.kind, good.cross_origin, good.flags) = (None, false, 0b101);
        // Registration checks the same; there is no user handle yet.
        if what == "somebody else" {
            continue;
        }
        let mut fresh = Authenticator::new(-7);
        bend(&mut fresh);
        let made = fresh.create(&options(&client).await);
        let answer = client.post(PATH, made).await;
        assert_eq!(answer.status, 403, "{what}: {}", answer.text());
    }
    // A passkey alone requires user verification.
    good.flags = 1;
    sign_in_with_passkey(&app, good.get(&login_options(&app).await))
        .await
        .expect_problem(401, "passkey_refused");
    good.flags = 0b101;
    for part in [
        "signature",
        "authenticator_data",
        "client_data_json",
        "credential_id",
    ] {
        let mut passkey = good.get(&login_options(&app).await);
        let given = passkey[part].as_str().unwrap().to_owned();
        let middle = given.len() / 2;
        let other = if given.as_bytes()[middle] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut changed = given.clone();
        changed.replace_range(middle..=middle, other);
        passkey[part] = json!(changed);
        sign_in_with_passkey(&app, passkey.clone())
            .await
            .expect_problem(401, "passkey_refused");
        passkey[part] = json!(&given[..middle]);
        sign_in_with_passkey(&app, passkey)
            .await
            .expect_problem(401, "passkey_refused");
    }
    sign_in_with_passkey(&app, good.get(&login_options(&app).await))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_response_is_valid_once_within_five_minutes() {
    let (app, tenant) = demo().await;
    let (mut authenticator, _) = register(&app.as_user(&tenant.customer), -7).await;
    let passkey = authenticator.get(&login_options(&app).await);
    let all = (0..8).map(|_| sign_in_with_passkey(&app, passkey.clone()));
    let entered = join_all(all)
        .await
        .iter()
        .filter(|answer| answer.status == 200)
        .count();
    assert_eq!(entered, 1);
    let asked = login_options(&app).await;
    app.clock.advance(Duration::from_mins(5));
    sign_in_with_passkey(&app, authenticator.get(&asked))
        .await
        .expect_problem(401, "passkey_refused");
    let open = options(&app.as_user(&tenant.customer2)).await;
    // A challenge issued to one user cannot be used by another.
    let made = Authenticator::new(-7).create(&open);
    app.as_user(&tenant.expert)
        .post(PATH, made)
        .await
        .expect_problem(403, "proof_refused");
    assert!(count(&app, "select count(*) from identity.passkey_challenges").await <= 2);
}

#[tokio::test]
async fn a_decreasing_counter_reveals_a_clone() {
    let (app, tenant) = demo().await;
    let (mut authenticator, _) = register(&app.as_user(&tenant.customer), -7).await;
    authenticator.counter = 6;
    sign_in_with_passkey(&app, authenticator.get(&login_options(&app).await))
        .await
        .expect(200);
    authenticator.counter = 6;
    sign_in_with_passkey(&app, authenticator.get(&login_options(&app).await))
        .await
        .expect_problem(401, "passkey_refused");
    // Authenticators without a counter always report zero.
    execute(&app, "update identity.passkeys set sign_count = 0").await;
    authenticator.counter = u32::MAX;
    authenticator.counter = 0;
    sign_in_with_passkey(&app, authenticator.get(&login_options(&app).await))
        .await
        .expect(200);
}

#[tokio::test]
async fn passkeys_of_another_tenant_or_a_locked_user_are_refused() {
    let (app, tenant) = demo().await;
    let other = app.tenant("other").await;
    let (mut foreign, _) = register(&app.as_user(&other.customer), -7).await;
    sign_in_with_passkey(&app, foreign.get(&login_options(&app).await))
        .await
        .expect_problem(401, "passkey_refused");
    let (mut own, _) = register(&app.as_user(&tenant.customer), -7).await;
    execute(&app, "update identity.users set status = 'locked'").await;
    sign_in_with_passkey(&app, own.get(&login_options(&app).await))
        .await
        .expect_problem(401, "passkey_refused");
    let nowhere = json!({"tenant": "nosuch"});
    app.anonymous()
        .post(&format!("{PATH}/login/options"), nowhere)
        .await
        .expect(200);
}

#[tokio::test]
async fn at_most_ten_factors_and_no_duplicate_passkeys() {
    let (app, tenant) = demo().await;
    let client = app.as_user(&tenant.customer);
    let (mut first, registered) = register(&client, -7).await;
    assert!(registered["recovery_codes"].is_array());
    let again = first.create(&options(&client).await);
    client
        .post(PATH, again)
        .await
        .expect_problem(409, "passkey_exists");
    let (_, second) = register(&client, -8).await;
    assert!(second["recovery_codes"].is_null());
    for _ in 0..7 {
        register(&client, -8).await;
    }
    let (open, late) = (options(&client).await, options(&client).await);
    let mut authenticators = [Authenticator::new(-8), Authenticator::new(-8)];
    let [one, two] = &mut authenticators;
    let both = [one.create(&open), two.create(&late)];
    let answers = join_all(both.map(|made| client.post(PATH, made))).await;
    let added = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(added, 1);
    assert_eq!(
        count(&app, "select count(*) from identity.passkeys").await,
        10
    );
    client
        .post(&format!("{PATH}/options"), json!({}))
        .await
        .expect_problem(409, "too_many_factors");
}

#[tokio::test]
async fn a_removed_passkey_is_no_longer_required() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let client = bearer(&app, &login(&app, ADA).await);
    let (mut authenticator, registered) = register(&client, -7).await;
    let client = bearer(&app, &registered);
    let (totp, codes) = {
        let started = client.post("/api/v1/auth/mfa/totp", json!({})).await;
        let totp = super::factors::TotpApp::of(&started.expect(201).json());
        let confirmed = super::factors::confirm(&client, &totp.code(&app)).await;
        (totp, confirmed.expect(200).json()["recovery_codes"].clone())
    };
    assert!(codes.is_null());
    let path = format!("{PATH}/{}", registered["passkey"]["id"].as_str().unwrap());
    app.as_user(&tenant.admin)
        .delete(&path)
        .await
        .expect_problem(404, "not_found");
    client.delete(&path).await.expect(204);
    client.delete(&path).await.expect_problem(404, "not_found");
    sign_in_with_passkey(&app, authenticator.get(&login_options(&app).await))
        .await
        .expect_problem(401, "passkey_refused");
    // The app remains, and so do the recovery codes.
    app.clock.advance(Duration::from_secs(30));
    let token = pending_sign_in(&app, ADA).await;
    submit_second_factor(&app, &token, "code", &totp.code(&app))
        .await
        .expect(200);
    let left = "select count(*) from identity.mfa_recovery_codes where used_at is null";
    assert_eq!(count(&app, left).await, 10);
}

#[tokio::test]
async fn an_admin_can_remove_passkeys() {
    let (app, tenant) = demo().await;
    let client = app.as_user(&tenant.customer);
    let (mut authenticator, _) = register(&client, -7).await;
    app.as_user(&tenant.admin)
        .delete(&format!("/api/v1/users/{}/mfa", tenant.customer.id))
        .await
        .expect(204);
    sign_in_with_passkey(&app, authenticator.get(&login_options(&app).await))
        .await
        .expect_problem(401, "passkey_refused");
    enrol(&app, &client).await;
}

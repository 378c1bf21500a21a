use std::time::Duration;

use serde_json::json;

use super::{
    PASSWORD, add, announced, audited, bearer, demo,
    factors::{enrol, login_and_enrol, prove, reauthenticate, waiting},
    login, try_login, try_refresh,
};

const ADA: &str = "ada@demo.example";
const TOTP: &str = "/api/v1/auth/mfa/totp";

#[tokio::test]
async fn what_is_sensitive_wants_a_recent_proof() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", ADA).await;
    let tokens = login(&stage, ADA).await;
    stage.clock.advance(Duration::from_mins(10));
    // Refreshing proves nothing.
    let tokens = try_refresh(&stage, &tokens["refresh_token"]).await;
    let client = bearer(&stage, &tokens.expect(200).json());
    client
        .post(TOTP, json!({}))
        .await
        .refused(403, "reauthentication_needed");
    client.get("/api/v1/me").await.expect(200);
    reauthenticate(&client, "password", "wrong horse battery")
        .await
        .refused(403, "proof_refused");
    reauthenticate(&client, "code", "123456")
        .await
        .refused(403, "proof_refused");
    client
        .post(TOTP, json!({}))
        .await
        .refused(403, "reauthentication_needed");
    let proved = reauthenticate(&client, "password", PASSWORD).await;
    let again = bearer(&stage, &proved.expect(200).json());
    // The session was proved, whichever of its tokens comes.
    for client in [&client, &again] {
        client.post(TOTP, json!({})).await.expect(201);
    }
    assert_eq!(audited(&stage, "identity.session.reauthenticated").await, 1);
    stage.clock.advance(Duration::from_secs(599));
    again.post(TOTP, json!({})).await.expect(201);
}

#[tokio::test]
async fn every_act_on_factors_asks_for_it() {
    let (stage, tenant) = demo().await;
    let id = add(&stage, &tenant, "customer", ADA).await;
    enrol(&stage, &stage.as_(&tenant.manager)).await;
    stage.clock.advance(Duration::from_secs(580));
    let client = stage.as_(&tenant.manager);
    let refusal = "reauthentication_needed";
    client
        .post("/api/v1/auth/mfa/recovery-codes", json!({}))
        .await
        .refused(403, refusal);
    client.delete(TOTP).await.refused(403, refusal);
    stage
        .as_(&tenant.admin)
        .delete(&format!("/api/v1/users/{id}/mfa"))
        .await
        .refused(403, refusal);
    assert_eq!(
        announced(&stage, "de.revalenz.identity.mfa.disabled.v1").await,
        0
    );
}

#[tokio::test]
async fn a_session_without_the_factor_that_its_person_has_is_too_weak() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", ADA).await;
    let elsewhere = bearer(&stage, &login(&stage, ADA).await);
    let (app, ..) = login_and_enrol(&stage, ADA).await;
    elsewhere.get("/api/v1/me").await.expect(200);
    elsewhere
        .delete(TOTP)
        .await
        .refused(403, "insufficient_aal");
    // A password proves the factor no better the second time.
    reauthenticate(&elsewhere, "password", PASSWORD)
        .await
        .expect(200);
    elsewhere
        .delete(TOTP)
        .await
        .refused(403, "insufficient_aal");
    reauthenticate(&elsewhere, "code", &app.wrong_code(&stage))
        .await
        .refused(403, "proof_refused");
    let code = app.code(&stage);
    reauthenticate(&elsewhere, "code", &code).await.expect(200);
    // The code is used up, also for signing in.
    reauthenticate(&elsewhere, "code", &code)
        .await
        .refused(403, "proof_refused");
    let token = waiting(&stage, ADA).await;
    prove(&stage, &token, "code", &code)
        .await
        .refused(401, "invalid_code");
    elsewhere.delete(TOTP).await.expect(204);
}

#[tokio::test]
async fn proving_it_again_can_not_be_guessed() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", ADA).await;
    let client = bearer(&stage, &login(&stage, ADA).await);
    for _ in 0..10 {
        reauthenticate(&client, "password", "wrong horse battery")
            .await
            .refused(403, "proof_refused");
    }
    reauthenticate(&client, "password", PASSWORD)
        .await
        .refused(429, "rate_limited");
    // The same guesses as those of signing in.
    try_login(&stage, "demo", ADA, PASSWORD)
        .await
        .refused(429, "rate_limited");
    for body in [
        json!({}),
        json!({"password": PASSWORD, "code": "123456"}),
        json!({"code": "123456", "recovery_code": "x"}),
    ] {
        client
            .post("/api/v1/auth/reauthenticate", body)
            .await
            .refused(422, "validation_failed");
    }
}

#[tokio::test]
async fn an_admin_helps_somebody_who_has_lost_the_telephone() {
    let (stage, tenant) = demo().await;
    let id = add(&stage, &tenant, "customer", ADA).await;
    let other = stage.tenant("other").await;
    let path = format!("/api/v1/users/{id}/mfa");
    let admin = stage.as_(&tenant.admin);
    admin.delete(&path).await.refused(404, "not_found");
    login_and_enrol(&stage, ADA).await;
    let token = waiting(&stage, ADA).await;
    for person in [&tenant.manager, &tenant.customer] {
        stage
            .as_(person)
            .delete(&path)
            .await
            .refused(403, "forbidden");
    }
    stage
        .as_(&other.admin)
        .delete(&path)
        .await
        .refused(404, "not_found");
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.refused(404, "not_found");
    prove(&stage, &token, "code", "123456")
        .await
        .refused(401, "invalid_mfa_token");
    assert!(login(&stage, ADA).await["access_token"].is_string());
    assert_eq!(
        announced(&stage, "de.revalenz.identity.mfa.disabled.v1").await,
        1
    );
    assert_eq!(audited(&stage, "identity.mfa.disabled").await, 1);
}

#[tokio::test]
async fn enrolling_twice_at_once_gives_one_app() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", ADA).await;
    let client = bearer(&stage, &login(&stage, ADA).await);
    let many = (0..6).map(|_| client.post(TOTP, json!({})));
    for answer in futures::future::join_all(many).await {
        answer.expect(201);
    }
    let (app, codes, _) = enrol(&stage, &client).await;
    assert_eq!(codes.len(), 10);
    let token = waiting(&stage, ADA).await;
    prove(&stage, &token, "code", &app.code(&stage))
        .await
        .expect(200);
}

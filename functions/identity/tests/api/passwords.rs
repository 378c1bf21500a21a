use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Stage, TestTenant};

use super::{
    PASSWORD, add, announced, audited, bearer, count, demo, links, login, try_login, try_refresh,
};

const ASKED: &str = "de.revalenz.identity.password.reset_requested.v1";
const CHANGED: &str = "de.revalenz.identity.password.changed.v1";
const NEW: &str = "another good password";
const ADA: &str = "ada@demo.example";

async fn ada() -> (Stage, TestTenant) {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "manager", ADA).await;
    (stage, tenant)
}

async fn forget(stage: &Stage, tenant: &TestTenant) -> String {
    let body = json!({"tenant": "demo", "email": ADA});
    let answer = stage
        .stranger()
        .post("/api/v1/auth/password/forgot", body)
        .await
        .expect(202);
    assert_eq!(answer.json(), json!({"status": "check_mail"}));
    links(stage, tenant.id, ASKED).await.pop().unwrap()
}

async fn reset(stage: &Stage, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    stage
        .stranger()
        .post("/api/v1/auth/password/reset", body)
        .await
}

async fn change(stage: &Stage, tokens: &Value, from: &str, to: &str) -> Answer {
    let body = json!({"current_password": from, "new_password": to});
    bearer(stage, tokens)
        .post("/api/v1/auth/password/change", body)
        .await
}

#[tokio::test]
async fn a_reset_ends_every_session_and_every_other_link() {
    let (stage, tenant) = ada().await;
    let tokens = login(&stage, ADA).await;
    let body = json!({"tenant": "demo", "email": ADA});
    let magic = stage
        .stranger()
        .post("/api/v1/auth/magic-link", body)
        .await
        .expect(202);
    let token = forget(&stage, &tenant).await;
    reset(&stage, &token, NEW).await.expect(204);

    bearer(&stage, &tokens)
        .get("/api/v1/me")
        .await
        .refused(401, "unauthenticated");
    try_refresh(&stage, &tokens["refresh_token"])
        .await
        .refused(401, "invalid_refresh_token");
    let kind = "de.revalenz.identity.magic_link.requested.v1";
    let link = links(&stage, tenant.id, kind).await.pop().unwrap();
    let body = json!({"token": link, "code": magic.json()["code"]});
    stage
        .stranger()
        .post("/api/v1/auth/magic-link/redeem", body)
        .await
        .refused(401, "invalid_token");
    reset(&stage, &token, NEW)
        .await
        .refused(401, "invalid_token");
    try_login(&stage, "demo", ADA, PASSWORD).await.expect(401);
    try_login(&stage, "demo", ADA, NEW).await.expect(200);
    assert_eq!(announced(&stage, CHANGED).await, 1);
    assert_eq!(audited(&stage, "identity.user.password_reset").await, 1);
}

#[tokio::test]
async fn a_weak_password_does_not_use_the_link_up() {
    let (stage, tenant) = ada().await;
    let token = forget(&stage, &tenant).await;
    let problem = reset(&stage, &token, "passwordpassword")
        .await
        .refused(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/password");
    reset(&stage, &token, NEW).await.expect(204);
}

#[tokio::test]
async fn of_two_resets_at_once_one_counts() {
    let (stage, tenant) = ada().await;
    let token = forget(&stage, &tenant).await;
    let (one, other) = tokio::join!(
        reset(&stage, &token, NEW),
        reset(&stage, &token, "yet another password")
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    assert_eq!(announced(&stage, CHANGED).await, 1);
}

#[tokio::test]
async fn only_the_newest_link_resets_and_only_for_an_hour() {
    let (stage, tenant) = ada().await;
    let first = forget(&stage, &tenant).await;
    stage.clock.advance(Duration::from_secs(1));
    let second = forget(&stage, &tenant).await;
    reset(&stage, &first, NEW)
        .await
        .refused(401, "invalid_token");
    stage.clock.advance(Duration::from_hours(1));
    reset(&stage, &second, NEW)
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn an_account_that_cannot_be_signed_in_to_gets_no_link() {
    let (stage, tenant) = demo().await;
    let id = add(&stage, &tenant, "customer", ADA).await;
    let admin = stage.as_(&tenant.admin);
    admin
        .put(&format!("/api/v1/users/{id}"), json!({"status": "locked"}))
        .await
        .expect(200);
    let body = json!({"tenant": "demo", "email": ADA});
    stage
        .stranger()
        .post("/api/v1/auth/password/forgot", body)
        .await
        .expect(202);
    assert_eq!(announced(&stage, ASKED).await, 0);
}

#[tokio::test]
async fn changing_the_password_ends_the_other_sessions() {
    let (stage, _) = ada().await;
    let (here, there) = (login(&stage, ADA).await, login(&stage, ADA).await);
    change(&stage, &here, "wrong horse battery", NEW)
        .await
        .refused(403, "wrong_password");
    let problem = change(&stage, &here, PASSWORD, "qwertyuiop")
        .await
        .refused(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/new_password");
    change(&stage, &here, PASSWORD, NEW).await.expect(204);
    bearer(&stage, &here).get("/api/v1/me").await.expect(200);
    bearer(&stage, &there).get("/api/v1/me").await.expect(401);
    try_login(&stage, "demo", ADA, NEW).await.expect(200);
    assert_eq!(announced(&stage, CHANGED).await, 1);
    assert_eq!(audited(&stage, "identity.user.password_changed").await, 1);
}

#[tokio::test]
async fn guesses_at_ones_own_password_count_like_failed_sign_ins() {
    let (stage, _) = ada().await;
    let tokens = login(&stage, ADA).await;
    for _ in 0..10 {
        change(&stage, &tokens, "wrong horse battery", NEW)
            .await
            .refused(403, "wrong_password");
    }
    change(&stage, &tokens, PASSWORD, NEW)
        .await
        .refused(429, "rate_limited");
}

#[tokio::test]
async fn of_two_changes_at_once_one_counts() {
    let (stage, _) = ada().await;
    let tokens = login(&stage, ADA).await;
    let (one, other) = tokio::join!(
        change(&stage, &tokens, PASSWORD, NEW),
        change(&stage, &tokens, PASSWORD, "yet another password")
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 403]);
}

#[tokio::test]
async fn whoever_signs_in_with_the_old_password_while_it_changes_is_out() {
    let (stage, _) = ada().await;
    let tokens = login(&stage, ADA).await;
    let logins =
        futures::future::join_all((0..8).map(|_| try_login(&stage, "demo", ADA, PASSWORD)));
    let changing = change(&stage, &tokens, PASSWORD, NEW);
    let (answers, changed) = tokio::join!(logins, changing);
    changed.expect(204);
    for answer in answers {
        if answer.status == 200 {
            let late = answer.json();
            bearer(&stage, &late).get("/api/v1/me").await.expect(401);
        } else {
            answer.refused(401, "invalid_credentials");
        }
    }
    let alive =
        "select count(*) from access.sessions s join identity.users u using (tenant_id, user_id)
        where u.email = 'ada@demo.example' and s.revoked_at is null";
    assert_eq!(count(&stage, alive).await, 1);
}

#[tokio::test]
async fn a_key_has_no_password() {
    let (stage, tenant) = demo().await;
    let key = stage.key(tenant.id, &["identity.user.read"]).await;
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    key.post("/api/v1/auth/password/change", body)
        .await
        .refused(403, "not_a_person");
}

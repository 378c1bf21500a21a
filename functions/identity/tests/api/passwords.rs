use std::time::Duration;

use serde_json::{Value, json};
use testkit::{TestApp, TestResponse, TestTenant};

use super::{
    PASSWORD, add, announced, audited, bearer, count, demo, links, login, try_login, try_refresh,
};

const RESET_REQUESTED: &str = "de.revalenz.identity.password.reset_requested.v1";
const CHANGED: &str = "de.revalenz.identity.password.changed.v1";
const NEW: &str = "another good password";
const ADA: &str = "ada@demo.example";

async fn ada() -> (TestApp, TestTenant) {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "manager", ADA).await;
    (app, tenant)
}

async fn request_reset(app: &TestApp, tenant: &TestTenant) -> String {
    let body = json!({"tenant": "demo", "email": ADA});
    let answer = app
        .anonymous()
        .post("/api/v1/auth/password/forgot", body)
        .await
        .expect(202);
    assert_eq!(answer.json(), json!({"status": "check_mail"}));
    links(app, tenant.id, RESET_REQUESTED).await.pop().unwrap()
}

async fn reset(app: &TestApp, token: &str, password: &str) -> TestResponse {
    let body = json!({"token": token, "password": password});
    app.anonymous()
        .post("/api/v1/auth/password/reset", body)
        .await
}

async fn change(app: &TestApp, tokens: &Value, from: &str, to: &str) -> TestResponse {
    let body = json!({"current_password": from, "new_password": to});
    bearer(app, tokens)
        .post("/api/v1/auth/password/change", body)
        .await
}

#[tokio::test]
async fn a_reset_ends_all_sessions_and_voids_all_links() {
    let (app, tenant) = ada().await;
    let tokens = login(&app, ADA).await;
    let body = json!({"tenant": "demo", "email": ADA});
    let magic = app
        .anonymous()
        .post("/api/v1/auth/magic-link", body)
        .await
        .expect(202);
    let token = request_reset(&app, &tenant).await;
    reset(&app, &token, NEW).await.expect(204);

    bearer(&app, &tokens)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    try_refresh(&app, &tokens["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
    let kind = "de.revalenz.identity.magic_link.requested.v1";
    let link = links(&app, tenant.id, kind).await.pop().unwrap();
    let body = json!({"token": link, "code": magic.json()["code"]});
    app.anonymous()
        .post("/api/v1/auth/magic-link/redeem", body)
        .await
        .expect_problem(401, "invalid_token");
    reset(&app, &token, NEW)
        .await
        .expect_problem(401, "invalid_token");
    try_login(&app, "demo", ADA, PASSWORD).await.expect(401);
    try_login(&app, "demo", ADA, NEW).await.expect(200);
    assert_eq!(announced(&app, CHANGED).await, 1);
    assert_eq!(audited(&app, "identity.user.password_reset").await, 1);
}

#[tokio::test]
async fn a_weak_password_does_not_consume_the_link() {
    let (app, tenant) = ada().await;
    let token = request_reset(&app, &tenant).await;
    let problem = reset(&app, &token, "passwordpassword")
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/password");
    reset(&app, &token, NEW).await.expect(204);
}

#[tokio::test]
async fn concurrent_resets_succeed_only_once() {
    let (app, tenant) = ada().await;
    let token = request_reset(&app, &tenant).await;
    let (one, other) = tokio::join!(
        reset(&app, &token, NEW),
        reset(&app, &token, "yet another password")
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    assert_eq!(announced(&app, CHANGED).await, 1);
}

#[tokio::test]
async fn only_the_newest_link_resets_the_password_within_an_hour() {
    let (app, tenant) = ada().await;
    let first = request_reset(&app, &tenant).await;
    app.clock.advance(Duration::from_secs(1));
    let second = request_reset(&app, &tenant).await;
    reset(&app, &first, NEW)
        .await
        .expect_problem(401, "invalid_token");
    app.clock.advance(Duration::from_hours(1));
    reset(&app, &second, NEW)
        .await
        .expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn an_inactive_account_gets_no_reset_link() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", ADA).await;
    let admin = app.as_user(&tenant.admin);
    admin
        .put(&format!("/api/v1/users/{id}"), json!({"status": "locked"}))
        .await
        .expect(200);
    let body = json!({"tenant": "demo", "email": ADA});
    app.anonymous()
        .post("/api/v1/auth/password/forgot", body)
        .await
        .expect(202);
    assert_eq!(announced(&app, RESET_REQUESTED).await, 0);
}

#[tokio::test]
async fn changing_the_password_ends_the_other_sessions() {
    let (app, _) = ada().await;
    let (here, there) = (login(&app, ADA).await, login(&app, ADA).await);
    change(&app, &here, "wrong horse battery", NEW)
        .await
        .expect_problem(403, "wrong_password");
    let problem = change(&app, &here, PASSWORD, "qwertyuiop")
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/new_password");
    change(&app, &here, PASSWORD, NEW).await.expect(204);
    bearer(&app, &here).get("/api/v1/me").await.expect(200);
    bearer(&app, &there).get("/api/v1/me").await.expect(401);
    try_login(&app, "demo", ADA, NEW).await.expect(200);
    assert_eq!(announced(&app, CHANGED).await, 1);
    assert_eq!(audited(&app, "identity.user.password_changed").await, 1);
}

#[tokio::test]
async fn wrong_current_passwords_count_as_failed_sign_ins() {
    let (app, _) = ada().await;
    let tokens = login(&app, ADA).await;
    for _ in 0..10 {
        change(&app, &tokens, "wrong horse battery", NEW)
            .await
            .expect_problem(403, "wrong_password");
    }
    change(&app, &tokens, PASSWORD, NEW)
        .await
        .expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn concurrent_changes_succeed_only_once() {
    let (app, _) = ada().await;
    let tokens = login(&app, ADA).await;
    let (one, other) = tokio::join!(
        change(&app, &tokens, PASSWORD, NEW),
        change(&app, &tokens, PASSWORD, "yet another password")
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 403]);
}

#[tokio::test]
async fn a_sign_in_with_the_old_password_during_a_change_is_ended() {
    let (app, _) = ada().await;
    let tokens = login(&app, ADA).await;
    let logins = futures::future::join_all((0..8).map(|_| try_login(&app, "demo", ADA, PASSWORD)));
    let changing = change(&app, &tokens, PASSWORD, NEW);
    let (answers, changed) = tokio::join!(logins, changing);
    changed.expect(204);
    for answer in answers {
        if answer.status == 200 {
            let late = answer.json();
            bearer(&app, &late).get("/api/v1/me").await.expect(401);
        } else {
            answer.expect_problem(401, "invalid_credentials");
        }
    }
    let alive =
        "select count(*) from access.sessions s join identity.users u using (tenant_id, user_id)
        where u.email = 'ada@demo.example' and s.revoked_at is null";
    assert_eq!(count(&app, alive).await, 1);
}

#[tokio::test]
async fn an_api_key_has_no_password() {
    let (app, tenant) = demo().await;
    let key = app.key(tenant.id, &["identity.user.read"]).await;
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    key.post("/api/v1/auth/password/change", body)
        .await
        .expect_problem(403, "not_a_person");
}

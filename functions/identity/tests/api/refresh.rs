use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use identity::config::Settings;
use serde_json::{Value, json};
use testkit::{TestApp, TestTenant};

use super::{add, announced, audited, bearer, count, demo, execute, login, try_refresh};

async fn signed_in() -> (TestApp, TestTenant, Value) {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&app, "ada@demo.example").await;
    (app, tenant, tokens)
}

async fn refresh(app: &TestApp, token: &Value) -> Value {
    try_refresh(app, token).await.expect(200).json()
}

const ACTIVE_SESSIONS: &str =
    "select count(*) from access.sessions s join identity.users u using (tenant_id, user_id)
    where u.email = 'ada@demo.example' and s.revoked_at is null";

#[tokio::test]
async fn a_refresh_returns_new_tokens_of_the_same_session() {
    let (app, _, tokens) = signed_in().await;
    app.clock.advance(Duration::from_secs(606));
    bearer(&app, &tokens)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    let renewed = refresh(&app, &tokens["refresh_token"]).await;
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);
    bearer(&app, &renewed).get("/api/v1/me").await.expect(200);
    assert_eq!(count(&app, ACTIVE_SESSIONS).await, 1);
}

#[tokio::test]
async fn twenty_concurrent_refreshes_get_the_same_token() {
    let (app, _, tokens) = signed_in().await;
    let many = (0..20).map(|_| try_refresh(&app, &tokens["refresh_token"]));
    let mut children = HashSet::new();
    for answer in futures::future::join_all(many).await {
        children.insert(
            answer.expect(200).json()["refresh_token"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(children.len(), 1);
    let child = json!(children.into_iter().next());
    refresh(&app, &child).await;
    assert_eq!(count(&app, ACTIVE_SESSIONS).await, 1);
    assert_eq!(
        count(
            &app,
            "select max(generation)::bigint from identity.sessions"
        )
        .await,
        2
    );
}

#[tokio::test]
async fn the_parent_is_accepted_for_thirty_seconds() {
    let (app, _, tokens) = signed_in().await;
    let child = refresh(&app, &tokens["refresh_token"]).await;
    app.clock.advance(Duration::from_secs(30));
    let again = refresh(&app, &tokens["refresh_token"]).await;
    assert_eq!(again["refresh_token"], child["refresh_token"]);
    app.clock.advance(Duration::from_secs(1));
    try_refresh(&app, &tokens["refresh_token"])
        .await
        .expect_problem(401, "refresh_token_reused");
    try_refresh(&app, &child["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn an_older_ancestor_ends_its_session_only() {
    let (app, _, grandparent) = signed_in().await;
    let elsewhere = login(&app, "ada@demo.example").await;
    let parent = refresh(&app, &grandparent["refresh_token"]).await;
    let child = refresh(&app, &parent["refresh_token"]).await;
    let answer = try_refresh(&app, &grandparent["refresh_token"])
        .await
        .expect(401);
    assert_eq!(answer.json()["code"], "refresh_token_reused");
    assert!(answer.headers.get("set-cookie").is_none());
    // Committed although the request is refused: visible on a separate connection.
    assert_eq!(count(&app, ACTIVE_SESSIONS).await, 1);
    assert_eq!(
        count(
            &app,
            "select count(*) from identity.sessions where revoked_reason = 'reuse_detected'"
        )
        .await,
        1
    );
    bearer(&app, &child)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    try_refresh(&app, &child["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
    refresh(&app, &elsewhere["refresh_token"]).await;
    assert_eq!(
        announced(&app, "de.revalenz.identity.session.reuse_detected.v1").await,
        1
    );
    assert_eq!(audited(&app, "identity.session.reuse_detected").await, 1);
}

#[tokio::test]
async fn malformed_tokens_end_no_session() {
    let (app, _, tokens) = signed_in().await;
    let child = refresh(&app, &tokens["refresh_token"]).await;
    let child = refresh(&app, &child["refresh_token"]).await;
    let old = tokens["refresh_token"].as_str().unwrap();
    let mut bent = old.to_owned();
    // One character of the secret changed.
    bent.replace_range(60..61, if &old[60..61] == "A" { "B" } else { "A" });
    for garbage in [bent.as_str(), "garbage", &old[..111]] {
        let answer = try_refresh(&app, &json!(garbage)).await.expect(401);
        assert_eq!(answer.json()["code"], "invalid_refresh_token");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    app.anonymous()
        .post("/api/v1/auth/refresh", json!({}))
        .await
        .expect_problem(401, "invalid_refresh_token");
    let nothing = app
        .anonymous()
        .call(http::Method::POST, "/api/v1/auth/refresh")
        .send()
        .await;
    nothing.expect_problem(401, "invalid_refresh_token");
    refresh(&app, &child["refresh_token"]).await;
}

#[tokio::test]
async fn without_an_overlap_the_parent_counts_as_reuse() {
    let app = TestApp::new(&[("identity", |db, state| {
        let settings = Settings {
            refresh_overlap: TimeDelta::zero(),
            ..Settings::default()
        };
        identity::service_with(db, state, settings)
    })])
    .await;
    let tenant = app.tenant("demo").await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&app, "ada@demo.example").await;
    refresh(&app, &tokens["refresh_token"]).await;
    try_refresh(&app, &tokens["refresh_token"])
        .await
        .expect_problem(401, "refresh_token_reused");
}

#[tokio::test]
async fn a_session_ends_when_idle_or_too_old() {
    let (app, _, tokens) = signed_in().await;
    let day = Duration::from_hours(24);
    let mut tokens = tokens;
    for _ in 0..3 {
        app.clock.advance(29 * day);
        tokens = refresh(&app, &tokens["refresh_token"]).await;
    }
    // After 87 days three are left, regardless of use.
    app.clock.advance(2 * day);
    tokens = refresh(&app, &tokens["refresh_token"]).await;
    app.clock.advance(day + Duration::from_secs(1));
    try_refresh(&app, &tokens["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
    let idle = login(&app, "ada@demo.example").await;
    app.clock.advance(30 * day);
    try_refresh(&app, &idle["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_tenant_can_shorten_its_sessions() {
    let (app, _, tokens) = signed_in().await;
    execute(
        &app,
        r#"update access.tenants set settings = '{"session": {"idle_days": 1, "absolute_days": 2}}' where slug = 'demo'"#,
    )
    .await;
    let tokens = refresh(&app, &tokens["refresh_token"]).await;
    app.clock.advance(Duration::from_hours(24));
    try_refresh(&app, &tokens["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_disabled_user_cannot_refresh() {
    let (app, tenant, tokens) = signed_in().await;
    let id = tokens["user"]["id"].as_str().unwrap();
    app.as_user(&tenant.admin)
        .delete(&format!("/api/v1/users/{id}"))
        .await
        .expect(204);
    try_refresh(&app, &tokens["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
    bearer(&app, &tokens)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn disabling_a_user_during_a_refresh_does_not_deadlock() {
    let (app, tenant) = demo().await;
    for round in 0..5 {
        let email = format!("{round}@demo.example");
        let id = add(&app, &tenant, "customer", &email).await;
        let tokens = login(&app, &email).await;
        let path = format!("/api/v1/users/{id}");
        let admin = app.as_user(&tenant.admin);
        let (refreshed, disabled) = tokio::join!(
            try_refresh(&app, &tokens["refresh_token"]),
            admin.delete(&path)
        );
        disabled.expect(204);
        assert!(
            [200, 401].contains(&refreshed.status.as_u16()),
            "{refreshed:?}"
        );
        try_refresh(&app, &tokens["refresh_token"])
            .await
            .expect_problem(401, "invalid_refresh_token");
    }
}

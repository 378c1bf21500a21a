use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use identity::config::Settings;
use serde_json::{Value, json};
use testkit::{Stage, TestTenant};

use super::{add, announced, audited, bearer, count, demo, execute, login, try_refresh};

async fn signed_in() -> (Stage, TestTenant, Value) {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&stage, "ada@demo.example").await;
    (stage, tenant, tokens)
}

async fn refresh(stage: &Stage, token: &Value) -> Value {
    try_refresh(stage, token).await.expect(200).json()
}

const LIVING: &str =
    "select count(*) from access.sessions s join identity.users u using (tenant_id, user_id)
    where u.email = 'ada@demo.example' and s.revoked_at is null";

#[tokio::test]
async fn a_refresh_gives_new_tokens_of_the_same_session() {
    let (stage, _, tokens) = signed_in().await;
    stage.clock.advance(Duration::from_secs(606));
    bearer(&stage, &tokens)
        .get("/api/v1/me")
        .await
        .refused(401, "unauthenticated");
    let renewed = refresh(&stage, &tokens["refresh_token"]).await;
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);
    bearer(&stage, &renewed).get("/api/v1/me").await.expect(200);
    assert_eq!(count(&stage, LIVING).await, 1);
}

#[tokio::test]
async fn twenty_who_refresh_at_once_agree_on_one_token() {
    let (stage, _, tokens) = signed_in().await;
    let many = (0..20).map(|_| try_refresh(&stage, &tokens["refresh_token"]));
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
    refresh(&stage, &child).await;
    assert_eq!(count(&stage, LIVING).await, 1);
    assert_eq!(
        count(
            &stage,
            "select max(generation)::bigint from identity.sessions"
        )
        .await,
        2
    );
}

#[tokio::test]
async fn the_parent_is_good_for_thirty_seconds_more() {
    let (stage, _, tokens) = signed_in().await;
    let child = refresh(&stage, &tokens["refresh_token"]).await;
    stage.clock.advance(Duration::from_secs(30));
    let again = refresh(&stage, &tokens["refresh_token"]).await;
    assert_eq!(again["refresh_token"], child["refresh_token"]);
    stage.clock.advance(Duration::from_secs(1));
    try_refresh(&stage, &tokens["refresh_token"])
        .await
        .refused(401, "refresh_token_reused");
    try_refresh(&stage, &child["refresh_token"])
        .await
        .refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_grandparent_ends_the_family_and_nothing_else() {
    let (stage, _, grandparent) = signed_in().await;
    let elsewhere = login(&stage, "ada@demo.example").await;
    let parent = refresh(&stage, &grandparent["refresh_token"]).await;
    let child = refresh(&stage, &parent["refresh_token"]).await;
    let answer = try_refresh(&stage, &grandparent["refresh_token"])
        .await
        .expect(401);
    assert_eq!(answer.json()["code"], "refresh_token_reused");
    assert!(answer.headers.get("set-cookie").is_none());
    // Committed although the answer is a refusal: seen on a connection of its own.
    assert_eq!(count(&stage, LIVING).await, 1);
    assert_eq!(
        count(
            &stage,
            "select count(*) from identity.sessions where revoked_reason = 'reuse_detected'"
        )
        .await,
        1
    );
    bearer(&stage, &child)
        .get("/api/v1/me")
        .await
        .refused(401, "unauthenticated");
    try_refresh(&stage, &child["refresh_token"])
        .await
        .refused(401, "invalid_refresh_token");
    refresh(&stage, &elsewhere["refresh_token"]).await;
    assert_eq!(
        announced(&stage, "de.revalenz.identity.session.reuse_detected.v1").await,
        1
    );
    assert_eq!(audited(&stage, "identity.session.reuse_detected").await, 1);
}

#[tokio::test]
async fn garbage_ends_no_session() {
    let (stage, _, tokens) = signed_in().await;
    let child = refresh(&stage, &tokens["refresh_token"]).await;
    let child = refresh(&stage, &child["refresh_token"]).await;
    let old = tokens["refresh_token"].as_str().unwrap();
    let mut bent = old.to_owned();
    // One character within the secret.
    bent.replace_range(60..61, if &old[60..61] == "A" { "B" } else { "A" });
    for garbage in [bent.as_str(), "garbage", &old[..111]] {
        let answer = try_refresh(&stage, &json!(garbage)).await.expect(401);
        assert_eq!(answer.json()["code"], "invalid_refresh_token");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    stage
        .stranger()
        .post("/api/v1/auth/refresh", json!({}))
        .await
        .refused(401, "invalid_refresh_token");
    let nothing = stage
        .stranger()
        .call(http::Method::POST, "/api/v1/auth/refresh")
        .send()
        .await;
    nothing.refused(401, "invalid_refresh_token");
    refresh(&stage, &child["refresh_token"]).await;
}

#[tokio::test]
async fn without_an_overlap_the_parent_is_reuse_at_once() {
    let stage = Stage::of(&[("identity", |db, gate| {
        let settings = Settings {
            refresh_overlap: TimeDelta::zero(),
            ..Settings::default()
        };
        identity::service_with(db, gate, settings)
    })])
    .await;
    let tenant = stage.tenant("demo").await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&stage, "ada@demo.example").await;
    refresh(&stage, &tokens["refresh_token"]).await;
    try_refresh(&stage, &tokens["refresh_token"])
        .await
        .refused(401, "refresh_token_reused");
}

#[tokio::test]
async fn a_session_ends_when_it_idles_or_grows_old() {
    let (stage, _, tokens) = signed_in().await;
    let day = Duration::from_hours(24);
    let mut tokens = tokens;
    for _ in 0..3 {
        stage.clock.advance(29 * day);
        tokens = refresh(&stage, &tokens["refresh_token"]).await;
    }
    // 87 days old: three are left, however often it is used.
    stage.clock.advance(2 * day);
    tokens = refresh(&stage, &tokens["refresh_token"]).await;
    stage.clock.advance(day + Duration::from_secs(1));
    try_refresh(&stage, &tokens["refresh_token"])
        .await
        .refused(401, "invalid_refresh_token");
    let idle = login(&stage, "ada@demo.example").await;
    stage.clock.advance(30 * day);
    try_refresh(&stage, &idle["refresh_token"])
        .await
        .refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_tenant_can_shorten_its_sessions() {
    let (stage, _, tokens) = signed_in().await;
    execute(
        &stage,
        r#"update access.tenants set settings = '{"session": {"idle_days": 1, "absolute_days": 2}}' where slug = 'demo'"#,
    )
    .await;
    let tokens = refresh(&stage, &tokens["refresh_token"]).await;
    stage.clock.advance(Duration::from_hours(24));
    try_refresh(&stage, &tokens["refresh_token"])
        .await
        .refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn nobody_refreshes_who_was_disabled() {
    let (stage, tenant, tokens) = signed_in().await;
    let id = tokens["user"]["id"].as_str().unwrap();
    stage
        .as_(&tenant.admin)
        .delete(&format!("/api/v1/users/{id}"))
        .await
        .expect(204);
    try_refresh(&stage, &tokens["refresh_token"])
        .await
        .refused(401, "invalid_refresh_token");
    bearer(&stage, &tokens)
        .get("/api/v1/me")
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn disabling_somebody_who_refreshes_at_that_moment_makes_nobody_wait() {
    let (stage, tenant) = demo().await;
    for round in 0..5 {
        let email = format!("{round}@demo.example");
        let id = add(&stage, &tenant, "customer", &email).await;
        let tokens = login(&stage, &email).await;
        let path = format!("/api/v1/users/{id}");
        let admin = stage.as_(&tenant.admin);
        let (refreshed, disabled) = tokio::join!(
            try_refresh(&stage, &tokens["refresh_token"]),
            admin.delete(&path)
        );
        disabled.expect(204);
        assert!(
            [200, 401].contains(&refreshed.status.as_u16()),
            "{refreshed:?}"
        );
        try_refresh(&stage, &tokens["refresh_token"])
            .await
            .refused(401, "invalid_refresh_token");
    }
}

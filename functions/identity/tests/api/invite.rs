use serde_json::{Value, json};
use testkit::{TestApp, TestResponse, TestTenant};

use super::{PASSWORD, announced, bearer, demo, links, try_login};

const INVITED: &str = "de.revalenz.identity.user.invited.v1";

async fn invite(app: &TestApp, tenant: &TestTenant) -> (String, String) {
    let body = json!({"email": "ada@demo.example", "given_name": "Ada", "family_name": "Lovelace", "role": "expert"});
    let answer = app
        .as_user(&tenant.admin)
        .post("/api/v1/users", body)
        .await
        .expect(201);
    assert_eq!(answer.json()["status"], "invited");
    let link = links(app, tenant.id, INVITED).await.pop().unwrap();
    (answer.id(), link)
}

async fn accept(app: &TestApp, token: &str, password: &str) -> TestResponse {
    app.anonymous()
        .post(
            "/api/v1/auth/invite/accept",
            json!({"token": token, "password": password}),
        )
        .await
}

#[tokio::test]
async fn accepting_an_invitation_signs_the_user_in() {
    let (app, tenant) = demo().await;
    let (id, link) = invite(&app, &tenant).await;
    let tokens = accept(&app, &link, PASSWORD).await.expect(200).json();
    assert_eq!(
        (&tokens["user"]["id"], &tokens["user"]["status"]),
        (&json!(id), &json!("active"))
    );
    assert_eq!(tokens["user"]["email_verified_at"], "2026-11-20T10:00:00Z");
    bearer(&app, &tokens).get("/api/v1/users").await.expect(200);
    try_login(&app, "demo", "ada@demo.example", PASSWORD)
        .await
        .expect(200);
    accept(&app, &link, PASSWORD)
        .await
        .expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn concurrent_acceptances_succeed_only_once() {
    let (app, tenant) = demo().await;
    let (_, link) = invite(&app, &tenant).await;
    let (one, other) = tokio::join!(
        accept(&app, &link, PASSWORD),
        accept(&app, &link, "another good password")
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.activated.v1").await,
        1
    );
}

#[tokio::test]
async fn a_weak_password_does_not_consume_the_invitation() {
    let (app, tenant) = demo().await;
    let (_, link) = invite(&app, &tenant).await;
    for password in ["Lovelace1815", "passwordpassword"] {
        let problem = accept(&app, &link, password)
            .await
            .expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/password");
    }
    accept(&app, &link, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_new_invitation_or_address_voids_the_old_link() {
    let (app, tenant) = demo().await;
    let (id, first) = invite(&app, &tenant).await;
    let admin = app.as_user(&tenant.admin);
    let change = async |body: Value| {
        admin
            .put(&format!("/api/v1/users/{id}"), body)
            .await
            .expect(200)
    };
    change(json!({"status": "invited"})).await;
    accept(&app, &first, PASSWORD)
        .await
        .expect_problem(401, "invalid_token");
    let second = links(&app, tenant.id, INVITED).await.pop().unwrap();
    change(json!({"email": "ada.l@demo.example"})).await;
    accept(&app, &second, PASSWORD)
        .await
        .expect_problem(401, "invalid_token");
    let third = links(&app, tenant.id, INVITED).await.pop().unwrap();
    let tokens = accept(&app, &third, PASSWORD).await.expect(200).json();
    assert_eq!(tokens["user"]["email"], "ada.l@demo.example");
}

#[tokio::test]
async fn an_invitation_expires_after_a_week_or_with_the_account() {
    let (app, tenant) = demo().await;
    let (id, link) = invite(&app, &tenant).await;
    app.clock.advance(std::time::Duration::from_hours(7 * 24));
    accept(&app, &link, PASSWORD)
        .await
        .expect_problem(401, "invalid_token");
    app.clock.set(testkit::TEST_EPOCH.parse().unwrap());
    app.as_user(&tenant.admin)
        .delete(&format!("/api/v1/users/{id}"))
        .await
        .expect(204);
    accept(&app, &link, PASSWORD)
        .await
        .expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn a_registration_link_cannot_accept_an_invitation() {
    let (app, tenant) = demo().await;
    let body = json!({"tenant": "demo", "email": "new@example.org", "password": PASSWORD, "name": "New One"});
    app.anonymous()
        .post("/api/v1/auth/register", body)
        .await
        .expect(202);
    let link = links(&app, tenant.id, "de.revalenz.identity.user.registered.v1")
        .await
        .pop()
        .unwrap();
    accept(&app, &link, PASSWORD)
        .await
        .expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn links_are_never_sent_in_clear() {
    let (app, tenant) = demo().await;
    let (_, link) = invite(&app, &tenant).await;
    let clear: i64 = sqlx::query_scalar(
        "select count(*) from events.outbox where data::text like '%' || $1 || '%'",
    )
    .bind(&link)
    .fetch_one(&mut app.admin().await)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

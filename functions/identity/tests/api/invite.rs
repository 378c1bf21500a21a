use serde_json::{Value, json};
use testkit::{Answer, Stage, TestTenant};

use super::{PASSWORD, announced, bearer, demo, links, try_login};

const INVITED: &str = "de.revalenz.identity.user.invited.v1";

async fn invite(stage: &Stage, tenant: &TestTenant) -> (String, String) {
    let body = json!({"email": "ada@demo.example", "given_name": "Ada", "family_name": "Lovelace", "role": "expert"});
    let answer = stage
        .as_(&tenant.admin)
        .post("/api/v1/users", body)
        .await
        .expect(201);
    assert_eq!(answer.json()["status"], "invited");
    let link = links(stage, tenant.id, INVITED).await.pop().unwrap();
    (answer.id(), link)
}

async fn accept(stage: &Stage, token: &str, password: &str) -> Answer {
    stage
        .stranger()
        .post(
            "/api/v1/auth/invite/accept",
            json!({"token": token, "password": password}),
        )
        .await
}

#[tokio::test]
async fn an_invitation_lets_its_owner_in() {
    let (stage, tenant) = demo().await;
    let (id, link) = invite(&stage, &tenant).await;
    let tokens = accept(&stage, &link, PASSWORD).await.expect(200).json();
    assert_eq!(
        (&tokens["user"]["id"], &tokens["user"]["status"]),
        (&json!(id), &json!("active"))
    );
    assert_eq!(tokens["user"]["email_verified_at"], "2026-11-20T10:00:00Z");
    bearer(&stage, &tokens)
        .get("/api/v1/users")
        .await
        .expect(200);
    try_login(&stage, "demo", "ada@demo.example", PASSWORD)
        .await
        .expect(200);
    accept(&stage, &link, PASSWORD)
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn of_two_who_accept_at_once_one_gets_in() {
    let (stage, tenant) = demo().await;
    let (_, link) = invite(&stage, &tenant).await;
    let (one, other) = tokio::join!(
        accept(&stage, &link, PASSWORD),
        accept(&stage, &link, "another good password")
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    assert_eq!(
        announced(&stage, "de.revalenz.identity.user.activated.v1").await,
        1
    );
}

#[tokio::test]
async fn a_weak_password_does_not_use_the_invitation_up() {
    let (stage, tenant) = demo().await;
    let (_, link) = invite(&stage, &tenant).await;
    for password in ["Lovelace1815", "passwordpassword"] {
        let problem = accept(&stage, &link, password)
            .await
            .refused(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/password");
    }
    accept(&stage, &link, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_new_invitation_and_another_address_make_the_old_link_worthless() {
    let (stage, tenant) = demo().await;
    let (id, first) = invite(&stage, &tenant).await;
    let admin = stage.as_(&tenant.admin);
    let change = async |body: Value| {
        admin
            .put(&format!("/api/v1/users/{id}"), body)
            .await
            .expect(200)
    };
    change(json!({"status": "invited"})).await;
    accept(&stage, &first, PASSWORD)
        .await
        .refused(401, "invalid_token");
    let second = links(&stage, tenant.id, INVITED).await.pop().unwrap();
    change(json!({"email": "ada.l@demo.example"})).await;
    accept(&stage, &second, PASSWORD)
        .await
        .refused(401, "invalid_token");
    let third = links(&stage, tenant.id, INVITED).await.pop().unwrap();
    let tokens = accept(&stage, &third, PASSWORD).await.expect(200).json();
    assert_eq!(tokens["user"]["email"], "ada.l@demo.example");
}

#[tokio::test]
async fn an_invitation_ends_after_a_week_or_with_the_account() {
    let (stage, tenant) = demo().await;
    let (id, link) = invite(&stage, &tenant).await;
    stage.clock.advance(std::time::Duration::from_hours(7 * 24));
    accept(&stage, &link, PASSWORD)
        .await
        .refused(401, "invalid_token");
    stage.clock.set(testkit::BEGINNING.parse().unwrap());
    stage
        .as_(&tenant.admin)
        .delete(&format!("/api/v1/users/{id}"))
        .await
        .expect(204);
    accept(&stage, &link, PASSWORD)
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn the_link_of_a_registration_is_no_invitation() {
    let (stage, tenant) = demo().await;
    let body = json!({"tenant": "demo", "email": "new@example.org", "password": PASSWORD, "name": "New One"});
    stage
        .stranger()
        .post("/api/v1/auth/register", body)
        .await
        .expect(202);
    let link = links(&stage, tenant.id, "de.revalenz.identity.user.registered.v1")
        .await
        .pop()
        .unwrap();
    accept(&stage, &link, PASSWORD)
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn no_link_travels_in_clear() {
    let (stage, tenant) = demo().await;
    let (_, link) = invite(&stage, &tenant).await;
    let clear: i64 = sqlx::query_scalar(
        "select count(*) from events.outbox where data::text like '%' || $1 || '%'",
    )
    .bind(&link)
    .fetch_one(&mut stage.admin().await)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

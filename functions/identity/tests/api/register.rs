use std::time::Duration;

use serde_json::{Value, json};
use testkit::{TestApp, TestResponse};

use super::{
    PASSWORD, add, announced, count, demo, execute,
    jobs::{EXPIRE, platform},
    links, text, try_login,
};

const REGISTERED: &str = "de.revalenz.identity.user.registered.v1";

fn ada(password: &str) -> Value {
    json!({
        "tenant": "demo", "email": "ada@example.org", "password": password,
        "given_name": "Ada", "family_name": "Lovelace", "locale": "de", "consents": ["terms"],
    })
}

async fn register(app: &TestApp, body: Value) -> TestResponse {
    app.anonymous().post("/api/v1/auth/register", body).await
}

async fn verify(app: &TestApp, token: &str) -> TestResponse {
    app.anonymous()
        .post("/api/v1/auth/email/verify", json!({"token": token}))
        .await
}

#[tokio::test]
async fn a_registered_user_signs_in_after_opening_the_link() {
    let (app, tenant) = demo().await;
    let answer = register(&app, ada(PASSWORD)).await.expect(202);
    assert_eq!(answer.json(), json!({"status": "check_mail"}));
    try_login(&app, "demo", "ada@example.org", PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
    let links = links(&app, tenant.id, REGISTERED).await;
    assert_eq!(
        verify(&app, &links[0]).await.expect(200).json(),
        json!({"status": "verified"})
    );
    let tokens = try_login(&app, "demo", "ada@example.org", PASSWORD)
        .await
        .expect(200)
        .json();
    assert_eq!(tokens["user"]["role"], "customer");
    assert_eq!(tokens["user"]["name"], "Ada Lovelace");
    verify(&app, &links[0])
        .await
        .expect_problem(401, "invalid_token");
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.activated.v1").await,
        1
    );
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_response_at_the_same_time() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "known@example.org").await;
    let mut answers = Vec::new();
    for email in ["known@example.org", "new@example.org"] {
        let mut body = ada(PASSWORD);
        body["email"] = json!(email);
        let started = std::time::Instant::now();
        let answer = register(&app, body).await.expect(202);
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        assert!(started.elapsed() >= Duration::from_millis(250));
        answers.push((answer.json(), headers));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(announced(&app, REGISTERED).await, 1);
}

#[tokio::test]
async fn a_stranger_cannot_set_another_users_password() {
    let (app, tenant) = demo().await;
    register(&app, ada("the stranger's own password"))
        .await
        .expect(202);
    app.clock.advance(Duration::from_secs(1));
    register(&app, ada(PASSWORD)).await.expect(202);
    let links = links(&app, tenant.id, REGISTERED).await;
    assert_eq!(links.len(), 2);
    verify(&app, &links[1]).await.expect(200);
    verify(&app, &links[0])
        .await
        .expect_problem(401, "invalid_token");
    try_login(
        &app,
        "demo",
        "ada@example.org",
        "the stranger's own password",
    )
    .await
    .expect(401);
    try_login(&app, "demo", "ada@example.org", PASSWORD)
        .await
        .expect(200);
    // Nor to a user who was invited and has not accepted yet.
    let body = json!({"email": "boss@example.org", "name": "The Boss", "role": "admin"});
    app.as_user(&tenant.admin)
        .post("/api/v1/users", body)
        .await
        .expect(201);
    let mut body = ada(PASSWORD);
    body["email"] = json!("boss@example.org");
    register(&app, body).await.expect(202);
    assert_eq!(announced(&app, REGISTERED).await, 2);
}

/// A registration that an admin invites is an invitation: the job keeps it, and registering again sends no link that would open it with
/// a stranger's password.
#[tokio::test]
async fn an_invited_registration_is_an_invitation() {
    let (app, tenant) = demo().await;
    register(&app, ada("the stranger's own password"))
        .await
        .expect(202);
    let id = text(
        &app,
        "select user_id::text from identity.users where email = 'ada@example.org'",
    )
    .await;
    let admin = app.as_user(&tenant.admin);
    let path = format!("/api/v1/users/{id}/invite");
    admin.post(&path, json!({})).await.expect(202);
    register(&app, ada("the stranger's own password"))
        .await
        .expect(202);
    assert_eq!(announced(&app, REGISTERED).await, 1);

    app.clock.advance(Duration::from_hours(6 * 24));
    let admin = app.as_user(&tenant.admin);
    admin.post(&path, json!({})).await.expect(202);
    app.clock.advance(Duration::from_hours(2 * 24));
    platform(&app).post(EXPIRE, json!({})).await.expect(200);
    let invitations = links(&app, tenant.id, "de.revalenz.identity.user.invited.v1").await;
    let accepted = json!({"token": invitations.last().unwrap(), "password": PASSWORD});
    app.anonymous()
        .post("/api/v1/auth/invite/accept", accepted)
        .await
        .expect(200);
}

#[tokio::test]
async fn concurrent_uses_of_a_link_succeed_only_once() {
    let (app, tenant) = demo().await;
    register(&app, ada(PASSWORD)).await.expect(202);
    let links = links(&app, tenant.id, REGISTERED).await;
    let (one, other) = tokio::join!(verify(&app, &links[0]), verify(&app, &links[0]));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn a_link_is_valid_for_a_day() {
    let (app, tenant) = demo().await;
    register(&app, ada(PASSWORD)).await.expect(202);
    let links = links(&app, tenant.id, REGISTERED).await;
    app.clock.advance(Duration::from_hours(24));
    verify(&app, &links[0])
        .await
        .expect_problem(401, "invalid_token");
    for garbage in ["x", "AAAA", &links[0][1..]] {
        verify(&app, garbage)
            .await
            .expect_problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_tenant_with_closed_registration_looks_like_an_unknown_one() {
    let (app, _) = demo().await;
    let mut nowhere = ada(PASSWORD);
    nowhere["tenant"] = json!("nosuch");
    register(&app, nowhere)
        .await
        .expect_problem(403, "registration_closed");
    for settings in ["invite", "closed"] {
        sqlx::query("update access.tenants set settings = jsonb_build_object('registration', $1::text) where slug = 'demo'")
            .bind(settings)
            .execute(&mut app.admin().await)
            .await
            .unwrap();
        register(&app, ada(PASSWORD))
            .await
            .expect_problem(403, "registration_closed");
    }
    let mut revalenz = ada(PASSWORD);
    revalenz["tenant"] = json!("revalenz");
    register(&app, revalenz)
        .await
        .expect_problem(403, "registration_closed");
}

#[tokio::test]
async fn seats_are_checked_before_the_address() {
    let (app, _) = demo().await;
    execute(
        &app,
        "update access.tenants set max_users = 6 where slug = 'demo'",
    )
    .await;
    let mut known = ada(PASSWORD);
    known["email"] = json!("customer@demo.example");
    register(&app, known)
        .await
        .expect_problem(409, "seats_exhausted");
    register(&app, ada(PASSWORD))
        .await
        .expect_problem(409, "seats_exhausted");
    assert_eq!(count(&app, "select count(*) from identity.users").await, 6);
}

#[tokio::test]
async fn weak_passwords_and_missing_names_are_reported() {
    let (app, _) = demo().await;
    for (password, code) in [
        ("qwertyuiop", "common_password"),
        ("lovelace rules", "personal_password"),
        ("short", "too_short"),
    ] {
        let problem = register(&app, ada(password))
            .await
            .expect_problem(422, "validation_failed");
        assert_eq!(
            (
                &problem["errors"][0]["pointer"],
                &problem["errors"][0]["code"]
            ),
            (&json!("/password"), &json!(code))
        );
    }
    let body = json!({"tenant": "demo", "email": "ada@example.org", "password": PASSWORD});
    let problem = register(&app, body)
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_message_instead_of_a_name_is_refused() {
    let (app, _) = demo().await;
    for name in [
        "http://evil.example/win you have won 1000 EUR".to_owned(),
        "x".repeat(61),
    ] {
        let body = json!({"tenant": "demo", "email": "ada@example.org", "password": PASSWORD, "name": name});
        let problem = register(&app, body)
            .await
            .expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/name");
    }
}

#[tokio::test]
async fn a_registration_that_is_never_completed_is_erased_after_seven_days() {
    let (app, tenant) = demo().await;
    register(&app, ada(PASSWORD)).await.expect(202);
    app.clock.advance(Duration::from_hours(7 * 24 - 1));
    platform(&app).post(EXPIRE, json!({})).await.expect(200);
    let left = "select count(*) from identity.users where email = 'ada@example.org'";
    assert_eq!(count(&app, left).await, 1);
    app.clock.advance(Duration::from_hours(2));
    platform(&app).post(EXPIRE, json!({})).await.expect(200);
    assert_eq!(count(&app, left).await, 0);
    let traces = "select count(*) from access.people p join identity.users u using (tenant_id, user_id)
        where (u.status = 'erased') and (p.display_name = '' and u.given_name = '' and p.status = 'erased')";
    assert_eq!(count(&app, traces).await, 1);
    // The address can be registered again, and every repetition waits as long as the first.
    register(&app, ada(PASSWORD)).await.expect(202);
    app.clock.advance(Duration::from_hours(7 * 24 - 1));
    register(&app, ada(PASSWORD)).await.expect(202);
    app.clock.advance(Duration::from_hours(2));
    platform(&app).post(EXPIRE, json!({})).await.expect(200);
    let tokens = links(&app, tenant.id, "de.revalenz.identity.user.registered.v1").await;
    verify(&app, tokens.last().unwrap()).await.expect(200);
}

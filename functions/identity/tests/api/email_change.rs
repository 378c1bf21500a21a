use serde_json::{Value, json};
use testkit::{TestApp, TestResponse, TestTenant};

use super::{PASSWORD, add, announced, audited, bearer, count, demo, links, login, try_login};

const CHANGE_REQUESTED: &str = "de.revalenz.identity.email.change_requested.v1";
const NEW: &str = "lovelace@elsewhere.example";

async fn request_change(
    app: &TestApp,
    tokens: &Value,
    email: &str,
    password: &str,
) -> TestResponse {
    let body = json!({"email": email, "password": password});
    bearer(app, tokens)
        .post("/api/v1/auth/email/change", body)
        .await
}

/// The token of the latest link, and the address that it was sent to.
async fn latest_link(app: &TestApp, tenant: &TestTenant) -> (String, String) {
    let sealed = links(app, tenant.id, CHANGE_REQUESTED).await.pop().unwrap();
    let (token, email) = sealed.split_once('\n').unwrap();
    (token.to_owned(), email.to_owned())
}

async fn confirm(app: &TestApp, token: &str) -> TestResponse {
    app.anonymous()
        .post("/api/v1/auth/email/change/confirm", json!({"token": token}))
        .await
}

#[tokio::test]
async fn a_new_address_is_active_after_opening_the_link() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "manager", "ada@demo.example").await;
    let tokens = login(&app, "ada@demo.example").await;
    request_change(&app, &tokens, NEW, "wrong horse battery")
        .await
        .expect_problem(403, "wrong_password");
    request_change(&app, &tokens, NEW, PASSWORD)
        .await
        .expect(202);
    let (token, email) = latest_link(&app, &tenant).await;
    assert_eq!(email, NEW);
    try_login(&app, "demo", NEW, PASSWORD).await.expect(401);

    confirm(&app, &token).await.expect(200);
    confirm(&app, &token)
        .await
        .expect_problem(401, "invalid_token");
    let me = bearer(&app, &tokens).get("/api/v1/me").await.expect(200);
    assert_eq!(me.json()["email"], NEW);
    try_login(&app, "demo", NEW, PASSWORD).await.expect(200);
    let mirrored = "select count(*) from access.people where email = 'lovelace@elsewhere.example'";
    assert_eq!(count(&app, mirrored).await, 1);
    assert_eq!(audited(&app, "identity.user.email_changed").await, 1);
    let clear = "select count(*) from events.outbox where data::text like '%elsewhere%'";
    assert_eq!(count(&app, clear).await, 0);
}

#[tokio::test]
async fn a_taken_address_is_not_revealed() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&app, "ada@demo.example").await;
    let mut answers = Vec::new();
    for email in ["admin@demo.example", "nobody@demo.example"] {
        let answer = request_change(&app, &tokens, email, PASSWORD)
            .await
            .expect(202);
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        // The second of two requests.
        headers.remove("ratelimit");
        answers.push((answer.json(), headers));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn concurrent_changes_to_one_address_succeed_only_once() {
    let (app, tenant) = demo().await;
    let mut tokens = Vec::new();
    for email in ["ada@demo.example", "grace@demo.example"] {
        add(&app, &tenant, "customer", email).await;
        let signed_in = login(&app, email).await;
        request_change(&app, &signed_in, NEW, PASSWORD)
            .await
            .expect(202);
        tokens.push(latest_link(&app, &tenant).await.0);
        app.clock.advance(std::time::Duration::from_secs(1));
    }
    let (one, other) = tokio::join!(confirm(&app, &tokens[0]), confirm(&app, &tokens[1]));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let (late, token) = if one.status == 409 {
        (one, &tokens[0])
    } else {
        (other, &tokens[1])
    };
    late.expect_problem(409, "email_taken");
    confirm(&app, token)
        .await
        .expect_problem(409, "email_taken");
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.updated.v1").await,
        1
    );
}

#[tokio::test]
async fn a_newer_request_or_a_password_change_voids_the_link() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&app, "ada@demo.example").await;
    request_change(&app, &tokens, NEW, PASSWORD)
        .await
        .expect(202);
    let (first, _) = latest_link(&app, &tenant).await;
    app.clock.advance(std::time::Duration::from_secs(1));
    request_change(&app, &tokens, NEW, PASSWORD)
        .await
        .expect(202);
    let (second, _) = latest_link(&app, &tenant).await;
    confirm(&app, &first)
        .await
        .expect_problem(401, "invalid_token");
    let body = json!({"current_password": PASSWORD, "new_password": "another good password"});
    bearer(&app, &tokens)
        .post("/api/v1/auth/password/change", body)
        .await
        .expect(204);
    confirm(&app, &second)
        .await
        .expect_problem(401, "invalid_token");
}

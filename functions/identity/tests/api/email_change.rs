use serde_json::{Value, json};
use testkit::{Answer, Stage, TestTenant};

use super::{PASSWORD, add, announced, audited, bearer, count, demo, links, login, try_login};

const ASKED: &str = "de.revalenz.identity.email.change_requested.v1";
const NEW: &str = "lovelace@elsewhere.example";

async fn ask(stage: &Stage, tokens: &Value, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    bearer(stage, tokens)
        .post("/api/v1/auth/email/change", body)
        .await
}

/// The newest link's token, and where it goes.
async fn newest(stage: &Stage, tenant: &TestTenant) -> (String, String) {
    let sealed = links(stage, tenant.id, ASKED).await.pop().unwrap();
    let (token, email) = sealed.split_once('\n').unwrap();
    (token.to_owned(), email.to_owned())
}

async fn confirm(stage: &Stage, token: &str) -> Answer {
    stage
        .stranger()
        .post("/api/v1/auth/email/change/confirm", json!({"token": token}))
        .await
}

#[tokio::test]
async fn another_address_holds_once_its_link_was_opened() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "manager", "ada@demo.example").await;
    let tokens = login(&stage, "ada@demo.example").await;
    ask(&stage, &tokens, NEW, "wrong horse battery")
        .await
        .refused(403, "wrong_password");
    ask(&stage, &tokens, NEW, PASSWORD).await.expect(202);
    let (token, email) = newest(&stage, &tenant).await;
    assert_eq!(email, NEW);
    try_login(&stage, "demo", NEW, PASSWORD).await.expect(401);

    confirm(&stage, &token).await.expect(200);
    confirm(&stage, &token).await.refused(401, "invalid_token");
    let me = bearer(&stage, &tokens).get("/api/v1/me").await.expect(200);
    assert_eq!(me.json()["email"], NEW);
    try_login(&stage, "demo", NEW, PASSWORD).await.expect(200);
    let mirrored = "select count(*) from access.people where email = 'lovelace@elsewhere.example'";
    assert_eq!(count(&stage, mirrored).await, 1);
    assert_eq!(audited(&stage, "identity.user.email_changed").await, 1);
    let clear = "select count(*) from events.outbox where data::text like '%elsewhere%'";
    assert_eq!(count(&stage, clear).await, 0);
}

#[tokio::test]
async fn whoever_asks_is_not_told_whose_address_it_is() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&stage, "ada@demo.example").await;
    let mut answers = Vec::new();
    for email in ["admin@demo.example", "nobody@demo.example"] {
        let answer = ask(&stage, &tokens, email, PASSWORD).await.expect(202);
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        // The second of two requests.
        headers.remove("ratelimit");
        answers.push((answer.json(), headers));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn of_two_who_want_one_address_one_gets_it() {
    let (stage, tenant) = demo().await;
    let mut tokens = Vec::new();
    for email in ["ada@demo.example", "grace@demo.example"] {
        add(&stage, &tenant, "customer", email).await;
        let signed_in = login(&stage, email).await;
        ask(&stage, &signed_in, NEW, PASSWORD).await.expect(202);
        tokens.push(newest(&stage, &tenant).await.0);
        stage.clock.advance(std::time::Duration::from_secs(1));
    }
    let (one, other) = tokio::join!(confirm(&stage, &tokens[0]), confirm(&stage, &tokens[1]));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let (late, token) = if one.status == 409 {
        (one, &tokens[0])
    } else {
        (other, &tokens[1])
    };
    late.refused(409, "email_taken");
    confirm(&stage, token).await.refused(409, "email_taken");
    assert_eq!(
        announced(&stage, "de.revalenz.identity.user.updated.v1").await,
        1
    );
}

#[tokio::test]
async fn a_newer_wish_and_another_password_make_the_link_worthless() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&stage, "ada@demo.example").await;
    ask(&stage, &tokens, NEW, PASSWORD).await.expect(202);
    let (first, _) = newest(&stage, &tenant).await;
    stage.clock.advance(std::time::Duration::from_secs(1));
    ask(&stage, &tokens, NEW, PASSWORD).await.expect(202);
    let (second, _) = newest(&stage, &tenant).await;
    confirm(&stage, &first).await.refused(401, "invalid_token");
    let body = json!({"current_password": PASSWORD, "new_password": "another good password"});
    bearer(&stage, &tokens)
        .post("/api/v1/auth/password/change", body)
        .await
        .expect(204);
    confirm(&stage, &second).await.refused(401, "invalid_token");
}

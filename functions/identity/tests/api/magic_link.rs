use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestResponse, TestTenant};

use super::{add, bearer, cookie_of, count, demo, links, page};

const REQUESTED: &str = "de.revalenz.identity.magic_link.requested.v1";
const REDEEM: &str = "/api/v1/auth/magic-link/redeem";

/// Requests a link; returns the response and the token from the email.
async fn ask(client: &Client, app: &TestApp, tenant: &TestTenant) -> (TestResponse, String) {
    let body = json!({"tenant": "demo", "email": "ada@demo.example"});
    let answer = client.post("/api/v1/auth/magic-link", body).await;
    let answer = answer.expect(202);
    let token = links(app, tenant.id, REQUESTED).await.pop().unwrap();
    (answer, token)
}

async fn ada() -> (TestApp, TestTenant) {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "manager", "ada@demo.example").await;
    (app, tenant)
}

fn with_code(token: &str, answer: &TestResponse) -> Value {
    json!({"token": token, "code": answer.json()["code"]})
}

#[tokio::test]
async fn a_link_with_its_code_signs_in_once() {
    let (app, tenant) = ada().await;
    let (answer, token) = ask(&app.anonymous(), &app, &tenant).await;
    assert!(answer.header("set-cookie").is_empty());
    let body = with_code(&token, &answer);
    let stranger = app.anonymous();
    let tokens = stranger.post(REDEEM, body.clone()).await.expect(200).json();
    let status = bearer(&app, &tokens).get("/api/v1/auth/status").await;
    assert_eq!(status.expect(200).json()["session"]["amr"], json!(["mail"]));
    stranger
        .post(REDEEM, body)
        .await
        .expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn concurrent_redemptions_create_one_session() {
    let (app, tenant) = ada().await;
    let (answer, token) = ask(&app.anonymous(), &app, &tenant).await;
    let before = count(&app, "select count(*) from identity.sessions").await;
    let stranger = app.anonymous();
    let many = (0..8).map(|_| stranger.post(REDEEM, with_code(&token, &answer)));
    let answers = futures::future::join_all(many).await;
    let mut statuses: Vec<u16> = answers.iter().map(|one| one.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[..2], [200, 401]);
    assert!(
        statuses[1..].iter().all(|status| *status == 401),
        "{statuses:?}"
    );
    let after = count(&app, "select count(*) from identity.sessions").await;
    assert_eq!(after - before, 1);
}

#[tokio::test]
async fn viewing_a_link_does_not_consume_it() {
    let (app, tenant) = ada().await;
    let (answer, token) = ask(&app.anonymous(), &app, &tenant).await;
    let stranger = app.anonymous();
    for method in [Method::GET, Method::HEAD] {
        for path in [REDEEM.to_owned(), format!("{REDEEM}?token={token}")] {
            let looked = stranger.call(method.clone(), &path).send().await;
            assert_eq!(looked.status, 405);
        }
    }
    stranger
        .post(REDEEM, with_code(&token, &answer))
        .await
        .expect(200);
}

#[tokio::test]
async fn only_the_requesting_browser_can_use_the_link() {
    let (app, tenant) = ada().await;
    let (answer, token) = ask(&page(&app), &app, &tenant).await;
    assert_eq!(answer.json(), json!({"status": "check_mail", "code": null}));
    let set = answer.header("set-cookie");
    assert!(set.starts_with("__Host-link="), "{set}");
    assert!(
        set.ends_with("; Path=/; Max-Age=900; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    let body = json!({"token": token, "code": "000000", "refresh": "cookie"});
    let other = page(&app).with("cookie", "__Host-link=another");
    for stranger in [page(&app), other] {
        stranger
            .post(REDEEM, body.clone())
            .await
            .expect_problem(403, "other_browser");
    }
    let own = page(&app).with("cookie", &cookie_of(&answer));
    let entered = own.post(REDEEM, body).await.expect(200);
    assert!(cookie_of(&entered).starts_with("__Host-refresh="));
}

#[tokio::test]
async fn a_repeated_request_keeps_the_browsers_cookie() {
    let (app, tenant) = ada().await;
    let (first, _) = ask(&page(&app), &app, &tenant).await;
    let cookie = cookie_of(&first);
    app.clock.advance(Duration::from_secs(1));
    let (second, token) = ask(&page(&app).with("cookie", &cookie), &app, &tenant).await;
    assert_eq!(cookie_of(&second), cookie);
    let own = page(&app).with("cookie", &cookie);
    own.post(REDEEM, json!({"token": token})).await.expect(200);
}

#[tokio::test]
async fn a_page_of_another_site_needs_the_code() {
    let (app, tenant) = ada().await;
    let elsewhere = page(&app).with("sec-fetch-site", "cross-site");
    let (answer, token) = ask(&elsewhere, &app, &tenant).await;
    assert!(answer.header("set-cookie").is_empty());
    elsewhere
        .post(REDEEM, with_code(&token, &answer))
        .await
        .expect(200);
}

#[tokio::test]
async fn five_wrong_codes_void_a_link_even_concurrently() {
    let (app, tenant) = ada().await;
    let stranger = app.anonymous();
    let (answer, token) = ask(&stranger, &app, &tenant).await;
    let right = answer.json()["code"].as_str().unwrap().to_owned();
    let wrong = if right == "111111" {
        "222222"
    } else {
        "111111"
    };
    // A missing code does not count as a guess.
    for _ in 0..6 {
        let body = json!({"token": token});
        stranger
            .post(REDEEM, body)
            .await
            .expect_problem(403, "link_code_required");
    }
    let guess = json!({"token": token, "code": wrong});
    let guesses = (0..12).map(|_| stranger.post(REDEEM, guess.clone()));
    let answers = futures::future::join_all(guesses).await;
    let of = |status: u16| {
        let answers = answers.iter();
        answers
            .filter(|answer| answer.status.as_u16() == status)
            .count()
    };
    assert_eq!((of(403), of(401)), (5, 7));
    stranger
        .post(REDEEM, json!({"token": token, "code": right}))
        .await
        .expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn a_link_ends_with_time_a_newer_link_or_a_new_address() {
    let (app, tenant) = ada().await;
    let stranger = app.anonymous();
    let refused = async |body: Value| {
        stranger
            .post(REDEEM, body)
            .await
            .expect_problem(401, "invalid_token")
    };
    let (first, first_token) = ask(&stranger, &app, &tenant).await;
    app.clock.advance(Duration::from_secs(1));
    let (second, second_token) = ask(&stranger, &app, &tenant).await;
    refused(with_code(&first_token, &first)).await;

    let admin = app.as_user(&tenant.admin);
    let users = admin.get("/api/v1/users?q=ada").await.expect(200).json();
    let path = format!(
        "/api/v1/users/{}",
        users["items"][0]["id"].as_str().unwrap()
    );
    let move_to = async |email: &str| admin.put(&path, json!({"email": email})).await.expect(200);
    move_to("other@demo.example").await;
    refused(with_code(&second_token, &second)).await;
    move_to("ada@demo.example").await;

    app.clock.advance(Duration::from_secs(1));
    let (third, third_token) = ask(&stranger, &app, &tenant).await;
    app.clock.advance(Duration::from_mins(15));
    refused(with_code(&third_token, &third)).await;
}

#[tokio::test]
async fn a_tenant_can_disable_magic_links() {
    let (app, tenant) = ada().await;
    let stranger = app.anonymous();
    let (answer, token) = ask(&stranger, &app, &tenant).await;
    sqlx::query(
        "update access.tenants set settings = '{\"magic_link\": false}' where slug = 'demo'",
    )
    .execute(&mut app.admin().await)
    .await
    .unwrap();
    stranger
        .post(REDEEM, with_code(&token, &answer))
        .await
        .expect_problem(401, "invalid_token");
    let body = json!({"tenant": "demo", "email": "ada@demo.example"});
    let response = stranger.post("/api/v1/auth/magic-link", body).await;
    assert_eq!(response.expect(202).json()["status"], "check_mail");
    assert_eq!(links(&app, tenant.id, REQUESTED).await.len(), 1);
}

#[tokio::test]
async fn neither_code_nor_cookie_is_stored_in_clear() {
    let (app, tenant) = ada().await;
    let (answer, token) = ask(&page(&app), &app, &tenant).await;
    let cookie = cookie_of(&answer);
    let cookie = cookie.split_once('=').unwrap().1;
    let rows: String = sqlx::query_scalar(
        "select string_agg(t::text, ' ') from identity.one_time_tokens t where purpose = 'magic_link'",
    )
    .fetch_one(&mut app.admin().await)
    .await
    .unwrap();
    assert!(!rows.contains(cookie) && !rows.contains(&token), "{rows}");
}

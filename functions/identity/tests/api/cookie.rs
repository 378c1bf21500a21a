use serde_json::json;
use testkit::{Client, PUBLIC_URL, TestApp, TestResponse};

use super::{PASSWORD, add, demo};

/// A page of the platform's own site.
fn page(app: &TestApp) -> Client {
    app.anonymous()
        .with("origin", PUBLIC_URL)
        .with("sec-fetch-site", "same-origin")
        .with("x-csrf-token", "1")
}

async fn login(client: &Client) -> TestResponse {
    let body = json!({"tenant": "demo", "email": "ada@demo.example", "password": PASSWORD, "refresh": "cookie"});
    client.post("/api/v1/auth/login", body).await
}

fn cookie(answer: &TestResponse) -> String {
    answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

async fn refresh(client: Client) -> TestResponse {
    client
        .call(http::Method::POST, "/api/v1/auth/refresh")
        .send()
        .await
}

#[tokio::test]
async fn the_refresh_cookie_rotates_and_never_appears_in_a_body() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let answer = login(&page(&app)).await.expect(200);
    assert!(answer.json().get("refresh_token").is_none());
    let set = answer.header("set-cookie");
    assert!(set.starts_with("__Host-refresh="), "{set}");
    assert!(
        set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    let next = refresh(page(&app).with("cookie", &format!("a=b; {}", cookie(&answer))))
        .await
        .expect(200);
    assert!(next.json().get("refresh_token").is_none());
    assert_ne!(cookie(&next), cookie(&answer));
    let left = page(&app)
        .with("cookie", &cookie(&next))
        .call(http::Method::POST, "/api/v1/auth/logout")
        .send()
        .await;
    assert!(
        left.expect(204)
            .header("set-cookie")
            .starts_with("__Host-refresh=; Path=/; Max-Age=0;")
    );
    refresh(page(&app).with("cookie", &cookie(&next)))
        .await
        .expect_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn cookies_are_accepted_only_from_pages_of_the_tenant() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let cookie = cookie(&login(&page(&app)).await.expect(200));
    let with_cookie = || page(&app).with("cookie", &cookie);
    let plain = || app.anonymous().with("cookie", &cookie);
    for (bad, reason) in [
        (
            with_cookie().with("sec-fetch-site", "cross-site"),
            "cross_site",
        ),
        (with_cookie().with("sec-fetch-site", "none"), "cross_site"),
        (
            with_cookie().with("origin", "https://evil.example"),
            "unknown_origin",
        ),
        (with_cookie().with("origin", "null"), "unknown_origin"),
        (with_cookie().with("x-csrf-token", "0"), "header_missing"),
        (plain(), "unknown_origin"),
        (plain().with("x-csrf-token", "1"), "unknown_origin"),
        (plain().with("origin", PUBLIC_URL), "header_missing"),
    ] {
        let answer = refresh(bad).await;
        assert!(answer.headers.get("set-cookie").is_none());
        let refused = answer.expect_problem(403, "csrf_refused");
        assert_eq!(refused["reason"], reason);
    }
    let without_fetch_metadata = plain().with("origin", PUBLIC_URL).with("x-csrf-token", "1");
    refresh(without_fetch_metadata).await.expect(200);
}

#[tokio::test]
async fn foreign_pages_get_no_cookie() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    login(&app.anonymous())
        .await
        .expect_problem(403, "csrf_refused");
    login(&page(&app).with("origin", "https://evil.example"))
        .await
        .expect_problem(403, "csrf_refused");
}

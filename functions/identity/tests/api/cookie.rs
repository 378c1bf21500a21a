use serde_json::json;
use testkit::{Answer, Client, PUBLIC_URL, Stage};

use super::{PASSWORD, add, demo};

/// A page of the platform itself.
fn page(stage: &Stage) -> Client {
    stage
        .stranger()
        .with("origin", PUBLIC_URL)
        .with("sec-fetch-site", "same-origin")
        .with("x-csrf-token", "1")
}

async fn login(client: &Client) -> Answer {
    let body = json!({"tenant": "demo", "email": "ada@demo.example", "password": PASSWORD, "refresh": "cookie"});
    client.post("/api/v1/auth/login", body).await
}

fn cookie(answer: &Answer) -> String {
    answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

async fn refresh(client: Client) -> Answer {
    client
        .call(http::Method::POST, "/api/v1/auth/refresh")
        .send()
        .await
}

#[tokio::test]
async fn a_cookie_goes_round_and_the_body_never_shows_it() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let answer = login(&page(&stage)).await.expect(200);
    assert!(answer.json().get("refresh_token").is_none());
    let set = answer.header("set-cookie");
    assert!(set.starts_with("__Host-refresh="), "{set}");
    assert!(
        set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    let next = refresh(page(&stage).with("cookie", &format!("a=b; {}", cookie(&answer))))
        .await
        .expect(200);
    assert!(next.json().get("refresh_token").is_none());
    assert_ne!(cookie(&next), cookie(&answer));
    let left = page(&stage)
        .with("cookie", &cookie(&next))
        .call(http::Method::POST, "/api/v1/auth/logout")
        .send()
        .await;
    assert!(
        left.expect(204)
            .header("set-cookie")
            .starts_with("__Host-refresh=; Path=/; Max-Age=0;")
    );
    refresh(page(&stage).with("cookie", &cookie(&next)))
        .await
        .refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn cookies_count_only_on_pages_of_the_tenant() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let cookie = cookie(&login(&page(&stage)).await.expect(200));
    let with_cookie = || page(&stage).with("cookie", &cookie);
    let plain = || stage.stranger().with("cookie", &cookie);
    for bad in [
        with_cookie().with("sec-fetch-site", "cross-site"),
        with_cookie().with("sec-fetch-site", "none"),
        with_cookie().with("origin", "https://evil.example"),
        with_cookie().with("origin", "null"),
        with_cookie().with("x-csrf-token", "0"),
        plain(),
        plain().with("x-csrf-token", "1"),
        plain().with("origin", PUBLIC_URL),
    ] {
        let answer = refresh(bad).await;
        assert!(answer.headers.get("set-cookie").is_none());
        answer.refused(403, "csrf_refused");
    }
    let without_fetch_metadata = plain().with("origin", PUBLIC_URL).with("x-csrf-token", "1");
    refresh(without_fetch_metadata).await.expect(200);
}

#[tokio::test]
async fn nobody_gets_a_cookie_through_a_foreign_page() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    login(&stage.stranger()).await.refused(403, "csrf_refused");
    login(&page(&stage).with("origin", "https://evil.example"))
        .await
        .refused(403, "csrf_refused");
}

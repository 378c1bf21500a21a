use std::time::Duration;

use access::AppState;
use db::Db;
use http::Method;
use identity::config::Settings;
use serde_json::json;
use testkit::{TestApp, TestResponse};
use web::Service;

use super::{PASSWORD, add, demo, execute, login, try_login};

#[tokio::test]
async fn the_eleventh_guess_is_throttled_whether_or_not_the_account_exists() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    for (place, email) in [
        ("demo", "ada@demo.example"),
        ("demo", "nobody@demo.example"),
        ("nosuch", "ada@demo.example"),
    ] {
        for _ in 0..10 {
            try_login(&app, place, email, "wrong horse battery")
                .await
                .expect_problem(401, "invalid_credentials");
        }
        let answer = try_login(&app, place, email, PASSWORD).await.expect(429);
        assert_eq!(answer.json()["code"], "rate_limited");
        assert_eq!(answer.header("retry-after"), "900");
    }
    app.clock.advance(Duration::from_mins(15));
    try_login(&app, "demo", "ada@demo.example", PASSWORD)
        .await
        .expect(200);
}

/// Limits failures to three.
fn with_three_failures(db: Db, state: AppState) -> Service {
    let settings = Settings {
        failures_per_account: 3,
        ..Settings::default()
    };
    identity::service_with(db, state, settings)
}

#[tokio::test]
async fn successes_never_count() {
    let app = TestApp::new(&[("identity", with_three_failures)]).await;
    let tenant = app.tenant("demo").await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    for _ in 0..4 {
        try_login(&app, "demo", "ada@demo.example", PASSWORD)
            .await
            .expect(200);
    }
    let many = (0..6).map(|_| try_login(&app, "demo", "ada@demo.example", PASSWORD));
    for answer in futures::future::join_all(many).await {
        answer.expect(200);
    }
}

async fn login_from(app: &TestApp, address: &str, password: &str) -> TestResponse {
    let body = json!({"tenant": "demo", "email": "ada@demo.example", "password": password});
    let call = app.anonymous().call(Method::POST, "/api/v1/auth/login");
    call.json(&body).from_address(address).send().await
}

#[tokio::test]
async fn an_outsider_who_guesses_does_not_keep_the_owner_out() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    for _ in 0..10 {
        login_from(&app, "198.51.100.1", "wrong horse battery")
            .await
            .expect_problem(401, "invalid_credentials");
    }
    login_from(&app, "198.51.100.1", PASSWORD)
        .await
        .expect_problem(429, "rate_limited");
    login_from(&app, "192.0.2.7", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn outsiders_in_many_networks_do_not_keep_the_owner_out_of_a_known_one() {
    let app = TestApp::new(&[("identity", with_three_failures)]).await;
    let tenant = app.tenant("demo").await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    login(&app, "ada@demo.example").await;
    execute(&app, "update identity.sessions set address = '192.0.2.7'").await;
    for network in 0..10 {
        for _ in 0..3 {
            login_from(&app, &format!("198.51.{network}.1"), "wrong horse battery")
                .await
                .expect_problem(401, "invalid_credentials");
        }
    }
    login_from(&app, "203.0.113.5", PASSWORD)
        .await
        .expect_problem(429, "rate_limited");
    login_from(&app, "192.0.2.7", PASSWORD).await.expect(200);
}

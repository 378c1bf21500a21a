use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use testkit::{TestApp, TestResponse};

use super::{add, demo};

async fn ask(app: &TestApp, path: &str, body: &Value, from: Option<&str>) -> TestResponse {
    let path = format!("/api/v1/auth/{path}");
    let call = app.anonymous().call(Method::POST, &path).json(body);
    match from {
        Some(address) => call.from_address(address).send().await,
        None => call.send().await,
    }
}

#[tokio::test]
async fn an_address_gets_five_emails_an_hour_known_or_not() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let mut refusals = Vec::new();
    for (place, email) in [
        ("demo", "ada@demo.example"),
        ("demo", "nobody@demo.example"),
        ("nosuch", "ada@demo.example"),
    ] {
        let body = json!({"tenant": place, "email": email});
        for path in [
            "password/forgot",
            "magic-link",
            "email/verify/resend",
            "password/forgot",
            "magic-link",
        ] {
            ask(&app, path, &body, None).await.expect(202);
        }
        for path in ["password/forgot", "magic-link", "email/verify/resend"] {
            let answer = ask(&app, path, &body, None).await.expect(429);
            assert_eq!(answer.header("retry-after"), "3600");
            assert_eq!(answer.json()["code"], "rate_limited");
            refusals.push(answer.json()["detail"].clone());
        }
    }
    assert!(refusals.iter().all(|detail| *detail == refusals[0]));
    app.clock.advance(Duration::from_hours(1));
    let body = json!({"tenant": "demo", "email": "ada@demo.example"});
    ask(&app, "password/forgot", &body, None).await.expect(202);
}

#[tokio::test]
async fn a_client_can_request_thirty_emails_an_hour_registrations_included() {
    let (app, _) = demo().await;
    let body = |number: usize| json!({"tenant": "demo", "email": format!("p{number}@example.org")});
    let many = (0..30).map(|number| {
        let (app, body) = (&app, body(number));
        async move { ask(app, "password/forgot", &body, Some("192.0.2.1")).await }
    });
    for answer in futures::future::join_all(many).await {
        answer.expect(202);
    }
    let mut registration = body(30);
    registration["password"] = json!(super::PASSWORD);
    registration["name"] = json!("Some One");
    ask(&app, "register", &registration, Some("192.0.2.1"))
        .await
        .expect_problem(429, "rate_limited");
    ask(&app, "register", &registration, Some("192.0.2.2"))
        .await
        .expect(202);
}

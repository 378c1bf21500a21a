use std::time::Duration;

use access::AppState;
use db::Db;
use identity::config::Settings;
use testkit::TestApp;
use web::Service;

use super::{PASSWORD, add, demo, try_login};

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

use std::time::Duration;

use ids::TenantId;
use serde_json::json;
use testkit::{TestApp, TestResponse};

use crate::shelf;

async fn limit(app: &TestApp, tenant: TenantId, limits: serde_json::Value) {
    sqlx::query("update access.tenants set limits = $2 where tenant_id = $1")
        .bind(tenant)
        .bind(limits)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
}

fn fields(answer: &TestResponse) -> (&str, &str) {
    (
        answer.header("ratelimit-policy"),
        answer.header("ratelimit"),
    )
}

#[tokio::test]
async fn responses_carry_the_remaining_quota_and_excess_requests_are_told_to_wait() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    limit(&app, demo.id, json!({"requests_per_minute_per_user": 3})).await;
    let customer = app.as_user(&demo.customer);
    let mut left = Vec::new();
    for _ in 0..3 {
        let answer = customer.get("/api/v1/shelf").await.expect(200);
        left.push(fields(&answer).1.to_owned());
        assert_eq!(fields(&answer).0, "\"user\";q=3;w=60");
    }
    assert_eq!(
        left,
        [
            "\"user\";r=2;t=20",
            "\"user\";r=1;t=40",
            "\"user\";r=0;t=60"
        ]
    );
    let refused = customer.get("/api/v1/shelf").await;
    assert_eq!(refused.header("retry-after"), "20");
    assert_eq!(fields(&refused), ("\"user\";q=3;w=60", "\"user\";r=0;t=60"));
    refused.expect_problem(429, "rate_limited");
    // Other callers are not affected.
    app.as_user(&demo.customer2)
        .get("/api/v1/shelf")
        .await
        .expect(200);
    app.clock.advance(Duration::from_secs(20));
    customer.get("/api/v1/shelf").await.expect(200);
    customer
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_new_token_does_not_reset_the_quota_and_a_request_counts_once() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    limit(&app, demo.id, json!({"requests_per_minute_per_user": 2})).await;
    let customer = app.as_user(&demo.customer);
    customer.get("/api/v1/shelf/twice").await.expect(200);
    app.clock.advance(Duration::from_secs(1));
    let again = app.as_user(&demo.customer);
    again.get("/api/v1/shelf/twice").await.expect(200);
    again
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_tenant_without_own_limits_has_the_defaults() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    limit(&app, demo.id, json!({})).await;
    let answer = app
        .as_user(&demo.expert)
        .get("/api/v1/shelf")
        .await
        .expect(200);
    assert_eq!(
        fields(&answer),
        ("\"user\";q=1200;w=60", "\"user\";r=1199;t=1")
    );
    let key = app.key(demo.id, &[]).await;
    let answer = key.get("/api/v1/shelf").await.expect(200);
    assert_eq!(
        fields(&answer),
        ("\"key\";q=6000;w=60", "\"key\";r=5999;t=1")
    );
}

#[tokio::test]
async fn requests_sent_at_once_are_counted_one_by_one() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    limit(&app, demo.id, json!({"requests_per_minute_per_key": 10})).await;
    let key = app.key(demo.id, &[]).await;
    let calls: Vec<_> = (0..24)
        .map(|_| {
            let key = key.clone();
            tokio::spawn(async move {
                loop {
                    let status = key.get("/api/v1/shelf").await.status.as_u16();
                    // The pool is busy and nothing was counted: retry, as a client would.
                    if status != 503 {
                        return status;
                    }
                }
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200; 10], vec![429; 14]].concat());
}

#[tokio::test]
async fn anonymous_requests_of_an_address_are_limited_but_authenticated_ones_are_not() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    let client = app.anonymous();
    let from = |address| {
        client
            .call(http::Method::GET, "/api/v1/shelf/free")
            .from_address(address)
            .send()
    };
    let first = from("2001:db8::1").await.expect(200);
    assert_eq!(
        fields(&first),
        ("\"address\";q=6000;w=60", "\"address\";r=5999;t=1")
    );
    for _ in 1..6_000 {
        from("2001:db8::1").await.expect(200);
    }
    // The same network.
    from("2001:db8::ffff")
        .await
        .expect_problem(429, "rate_limited");
    from("2001:db8:0:1::1").await.expect(200);
    let bad = app
        .anonymous()
        .bearer("eyJ0.eyJ9.x")
        .call(http::Method::GET, "/api/v1/shelf");
    bad.from_address("2001:db8::2")
        .send()
        .await
        .expect_problem(429, "rate_limited");
    app.as_user(&demo.customer)
        .call(http::Method::GET, "/api/v1/shelf")
        .from_address("2001:db8::2")
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn an_unverified_credential_on_a_public_route_counts_as_anonymous() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    let from_one_address = |client: &testkit::Client, path: &str| {
        let call = client.call(http::Method::GET, path);
        call.from_address("2001:db8::1").send()
    };
    let forged = app.anonymous().bearer("x");
    let first = from_one_address(&forged, "/api/v1/shelf/free")
        .await
        .expect(200);
    assert_eq!(
        fields(&first),
        ("\"address\";q=6000;w=60", "\"address\";r=5999;t=1")
    );
    for _ in 1..6_000 {
        from_one_address(&forged, "/api/v1/shelf/free")
            .await
            .expect(200);
    }
    from_one_address(&forged, "/api/v1/shelf/free")
        .await
        .expect_problem(429, "rate_limited");
    // Signed-in callers behind the same address are served, on public routes too.
    let customer = app.as_user(&demo.customer);
    for path in ["/api/v1/shelf", "/api/v1/shelf/free"] {
        from_one_address(&customer, path).await.expect(200);
    }
}

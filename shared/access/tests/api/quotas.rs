//! Monthly requests, and quotas that are exact.

use std::time::Duration;

use access::{Tenant, quota, usage::Metric};
use db::{Actor, Db};
use ids::TenantId;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestTenant};

use crate::shelf;

async fn agree(app: &TestApp, tenant: TenantId, limits: Value) {
    sqlx::query("update access.tenants set limits = limits || $2 where tenant_id = $1")
        .bind(tenant)
        .bind(limits)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
}

async fn scene(limits: Value) -> (TestApp, TestTenant) {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    agree(&app, demo.id, limits).await;
    (app, demo)
}

/// What the counter and the events say, which is always the same.
async fn taken(app: &TestApp, tenant: TenantId) -> i64 {
    let (counter, events): (i64, i64) = sqlx::query_as(
        "select
            (select coalesce(sum(used), 0)::bigint from access.quota_counters where tenant_id = $1 and metric = 'api_requests'),
            (select coalesce(sum(quantity), 0)::bigint from access.usage_events where tenant_id = $1 and metric = 'api_requests')",
    )
    .bind(tenant)
    .fetch_one(&mut app.admin().await)
    .await
    .unwrap();
    assert_eq!(counter, events, "what is taken is told");
    counter
}

/// Sends so many requests at once; how many were let in.
async fn storm(clients: &[Client], each: usize) -> usize {
    let mut calls = Vec::new();
    for client in clients {
        for _ in 0..each {
            let client = client.clone();
            calls.push(tokio::spawn(async move {
                loop {
                    let status = client.get("/api/v1/shelf").await.status.as_u16();
                    // A busy pool: as a client would, it tries again.
                    if status != 503 {
                        return status;
                    }
                }
            }));
        }
    }
    let mut let_in = 0;
    for call in calls {
        match call.await.unwrap() {
            200 => let_in += 1,
            status => assert_eq!(status, 429),
        }
    }
    let_in
}

#[tokio::test]
async fn fifty_requests_at_once_at_two_processes_never_exceed_the_quota() {
    for limit in [37, 100, 130] {
        let (app, demo) = scene(json!({"api_requests_per_month": limit})).await;
        let here = app.key(demo.id, &[]).await;
        let there = app.second_process(here.clone());
        let let_in = storm(&[here, there], 50).await;
        // What one process has left of its last block, another may lack.
        let most = limit.min(100);
        assert!((most - 10..=most).contains(&let_in), "{let_in} of {limit}");
        assert!(taken(&app, demo.id).await <= i64::try_from(limit).unwrap());
    }
}

#[tokio::test]
async fn four_processes_share_what_is_left_and_none_gives_more() {
    let (app, demo) = scene(json!({"api_requests_per_month": 150})).await;
    let key = app.key(demo.id, &[]).await;
    let processes: Vec<Client> = (0..4).map(|_| app.second_process(key.clone())).collect();
    let let_in = storm(&processes, 50).await;
    assert!((100..=150).contains(&let_in), "{let_in}");
    assert_eq!(taken(&app, demo.id).await, 150);
}

#[tokio::test]
async fn a_refusal_says_what_is_used_up_and_until_when_and_a_new_month_begins_anew() {
    let (app, demo) = scene(json!({"api_requests_per_month": 2})).await;
    let customer = app.as_user(&demo.customer);
    for _ in 0..2 {
        customer.get("/api/v1/shelf").await.expect(200);
    }
    let answer = customer
        .clone()
        .with("accept-language", "de")
        .get("/api/v1/shelf")
        .await;
    // From 2026-11-20T10:00 to the end of the month.
    assert_eq!(answer.header("retry-after"), "914400");
    let refused = answer.expect_problem(429, "quota_exceeded");
    assert_eq!(refused["metric"], "api_requests");
    assert_eq!(refused["limit"], 2);
    assert_eq!(refused["period_end"], "2026-12-01T00:00:00Z");
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("2 (api_requests)"),
        "{refused}"
    );
    // Everybody in the tenant shares it.
    app.as_user(&demo.admin)
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "quota_exceeded");
    app.clock.advance(Duration::from_hours(254));
    let customer = app.as_user(&demo.customer);
    customer.get("/api/v1/shelf").await.expect(200);
}

#[tokio::test]
async fn another_limit_counts_at_once_and_one_request_counts_once() {
    let (app, demo) = scene(json!({"api_requests_per_month": 1})).await;
    let customer = app.as_user(&demo.customer);
    customer.get("/api/v1/shelf/twice").await.expect(200);
    customer
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "quota_exceeded");
    agree(&app, demo.id, json!({"api_requests_per_month": 3})).await;
    for _ in 0..2 {
        customer.get("/api/v1/shelf").await.expect(200);
    }
    customer
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "quota_exceeded");
}

#[tokio::test]
async fn a_soft_limit_counts_and_refuses_nobody_and_without_a_limit_nothing_is_counted() {
    let (app, demo) =
        scene(json!({"api_requests_per_month": 1, "soft_limits": ["api_requests_per_month"]}))
            .await;
    let key = app.key(demo.id, &[]).await;
    assert_eq!(storm(&[key], 150).await, 150);
    assert_eq!(taken(&app, demo.id).await, 200, "two blocks");

    let other = app.tenant("other").await;
    app.as_user(&other.customer)
        .get("/api/v1/shelf")
        .await
        .expect(200);
    assert_eq!(taken(&app, other.id).await, 0);
}

#[tokio::test]
async fn staff_and_those_without_credentials_pay_nothing() {
    let (app, demo) = scene(json!({"api_requests_per_month": 0})).await;
    agree(&app, access::REVALENZ, json!({"api_requests_per_month": 0})).await;
    let staff = app.as_user(&app.superadmin().await);
    staff.get("/api/v1/shelf").await.expect(200);
    let visiting = staff
        .with("x-tenant-id", &demo.id.to_string())
        .with("x-reason", "ticket 4711");
    visiting.get("/api/v1/shelf").await.expect(200);
    app.anonymous().get("/api/v1/shelf/free").await.expect(200);
    app.as_user(&demo.admin)
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "quota_exceeded");
}

#[tokio::test]
async fn an_exact_quota_is_taken_to_the_last_one_by_many_at_once() {
    let (app, demo) = scene(json!({"llm_tokens_per_month": 1_000, "storage_bytes": 10})).await;
    let db = Db::connect_lazy(&app.database.login_url("support"), 5).unwrap();
    let tenant: Tenant = (*app
        .state
        .authenticator()
        .tenant(demo.id)
        .await
        .unwrap()
        .unwrap())
    .clone();
    let now = app.clock.now();
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let (db, tenant) = (db.clone(), tenant.clone());
            tokio::spawn(async move {
                let mut tx = loop {
                    if let Ok(tx) = db.begin(tenant.id, Actor::SYSTEM).await {
                        break tx;
                    }
                };
                let taken = quota::reserve(&mut tx, &tenant, Metric::LlmTokens, 30, now).await;
                if taken.is_ok() {
                    tx.commit().await.unwrap();
                }
                taken.err().map(|problem| problem.kind().code)
            })
        })
        .collect();
    let mut refusals = Vec::new();
    for call in calls {
        refusals.extend(call.await.unwrap());
    }
    // 33 times 30 is 990; the next would be more than 1,000.
    assert_eq!(refusals, ["quota_exceeded"; 7]);

    let mut tx = db.begin(demo.id, Actor::SYSTEM).await.unwrap();
    let take = async |tx: &mut db::TenantTx, bytes| {
        quota::reserve(tx, &tenant, Metric::StorageBytes, bytes, now).await
    };
    assert!(
        take(&mut tx, 11).await.is_err(),
        "more than there is at all"
    );
    assert!(take(&mut tx, 10).await.is_ok());
    assert!(take(&mut tx, 1).await.is_err());
    quota::release(&mut tx, Metric::StorageBytes, 4, now)
        .await
        .unwrap();
    assert!(take(&mut tx, 4).await.is_ok() && take(&mut tx, 1).await.is_err());
}

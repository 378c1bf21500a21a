//! Monthly requests, and quotas that are exact.

use std::time::Duration;

use access::{Tenant, quota, usage::Metric};
use db::{Actor, Db};
use ids::TenantId;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestTenant};

use crate::shelf;

async fn set_limits(app: &TestApp, tenant: TenantId, limits: Value) {
    sqlx::query("update access.tenants set limits = limits || $2 where tenant_id = $1")
        .bind(tenant)
        .bind(limits)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
}

async fn app_with_limits(limits: Value) -> (TestApp, TestTenant) {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    set_limits(&app, demo.id, limits).await;
    (app, demo)
}

/// The used quota according to the counter and the events, which must agree.
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
    assert_eq!(counter, events, "counter and events agree");
    counter
}

/// Sends `each` concurrent requests per client; returns how many were admitted.
async fn storm(clients: &[Client], each: usize) -> usize {
    let mut calls = Vec::new();
    for client in clients {
        for _ in 0..each {
            let client = client.clone();
            calls.push(tokio::spawn(async move {
                loop {
                    let status = client.get("/api/v1/shelf").await.status.as_u16();
                    // The pool is busy: retry, as a client would.
                    if status != 503 {
                        return status;
                    }
                }
            }));
        }
    }
    let mut admitted = 0;
    for call in calls {
        match call.await.unwrap() {
            200 => admitted += 1,
            status => assert_eq!(status, 429),
        }
    }
    admitted
}

#[tokio::test]
async fn fifty_requests_at_once_at_two_processes_never_exceed_the_quota() {
    for limit in [37, 100, 130] {
        let (app, demo) = app_with_limits(json!({"api_requests_per_month": limit})).await;
        let here = app.key(demo.id, &[]).await;
        let there = app.second_process(here.clone());
        let admitted = storm(&[here, there], 50).await;
        // One process may hold unused requests of its last block that another lacks.
        let max = limit.min(100);
        assert!(
            (max - 10..=max).contains(&admitted),
            "{admitted} of {limit}"
        );
        assert!(taken(&app, demo.id).await <= i64::try_from(limit).unwrap());
    }
}

#[tokio::test]
async fn four_processes_together_use_exactly_the_quota() {
    let (app, demo) = app_with_limits(json!({"api_requests_per_month": 150})).await;
    let key = app.key(demo.id, &[]).await;
    let processes: Vec<Client> = (0..4).map(|_| app.second_process(key.clone())).collect();
    let admitted = storm(&processes, 50).await;
    assert!((100..=150).contains(&admitted), "{admitted}");
    assert_eq!(taken(&app, demo.id).await, 150);
}

#[tokio::test]
async fn a_refusal_names_metric_and_reset_time_and_a_new_month_resets_the_quota() {
    let (app, demo) = app_with_limits(json!({"api_requests_per_month": 2})).await;
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
    // Shared by everyone in the tenant.
    app.as_user(&demo.admin)
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "quota_exceeded");
    app.clock.advance(Duration::from_hours(254));
    let customer = app.as_user(&demo.customer);
    customer.get("/api/v1/shelf").await.expect(200);
}

#[tokio::test]
async fn a_changed_limit_takes_effect_at_once_and_a_request_counts_once() {
    let (app, demo) = app_with_limits(json!({"api_requests_per_month": 1})).await;
    let customer = app.as_user(&demo.customer);
    customer.get("/api/v1/shelf/twice").await.expect(200);
    customer
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "quota_exceeded");
    set_limits(&app, demo.id, json!({"api_requests_per_month": 3})).await;
    for _ in 0..2 {
        customer.get("/api/v1/shelf").await.expect(200);
    }
    customer
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "quota_exceeded");
}

#[tokio::test]
async fn a_soft_limit_is_counted_but_not_enforced_and_without_a_limit_nothing_is_counted() {
    let (app, demo) = app_with_limits(
        json!({"api_requests_per_month": 1, "soft_limits": ["api_requests_per_month"]}),
    )
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
async fn staff_and_anonymous_requests_are_not_counted() {
    let (app, demo) = app_with_limits(json!({"api_requests_per_month": 0})).await;
    set_limits(&app, access::REVALENZ, json!({"api_requests_per_month": 0})).await;
    let staff = app.as_user(&app.superadmin().await);
    staff.get("/api/v1/shelf").await.expect(200);
    let acting = staff
        .with("x-tenant-id", &demo.id.to_string())
        .with("x-reason", "ticket 4711");
    acting.get("/api/v1/shelf").await.expect(200);
    app.anonymous().get("/api/v1/shelf/free").await.expect(200);
    app.as_user(&demo.admin)
        .get("/api/v1/shelf")
        .await
        .expect_problem(429, "quota_exceeded");
}

#[tokio::test]
async fn concurrent_reservations_use_up_an_exact_quota() {
    let (app, demo) =
        app_with_limits(json!({"llm_tokens_per_month": 1_000, "storage_bytes": 10})).await;
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
                    if let Ok(tx) = db.begin(tenant.id, Actor::SYSTEM, now).await {
                        break tx;
                    }
                };
                let taken = quota::reserve(&mut tx, &tenant, metric("llm_tokens"), 30, now).await;
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

    let mut tx = db
        .begin(demo.id, Actor::SYSTEM, app.clock.now())
        .await
        .unwrap();
    let take = async |tx: &mut db::TenantTx, bytes| {
        quota::reserve(tx, &tenant, metric("storage_bytes"), bytes, now).await
    };
    assert!(
        take(&mut tx, 11).await.is_err(),
        "more than the whole quota"
    );
    assert!(take(&mut tx, 10).await.is_ok());
    assert!(take(&mut tx, 1).await.is_err());
    quota::release(&mut tx, metric("storage_bytes"), 4, now)
        .await
        .unwrap();
    assert!(take(&mut tx, 4).await.is_ok() && take(&mut tx, 1).await.is_err());
}

fn metric(name: &str) -> Metric {
    Metric::parse(name).unwrap()
}

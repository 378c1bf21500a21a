use std::time::Duration;

use access::usage::{self, Metric, UsageRecord};
use db::{Actor, Db};
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestTenant};

use crate::{app, run_job, wrong_fields};

struct UsageFixture {
    app: TestApp,
    demo: TestTenant,
    staff: Client,
    usage: String,
}

impl UsageFixture {
    async fn new() -> Self {
        let app = app().await;
        let demo = app.tenant("demo").await;
        let staff = crate::staff(&app).await;
        let usage = format!("/api/v1/tenants/{}/usage", demo.id);
        Self {
            app,
            demo,
            staff,
            usage,
        }
    }

    async fn set_limits(&self, limits: Value) {
        let path = format!("/api/v1/tenants/{}/license", self.demo.id);
        let body = json!({"seats": 10, "limits": limits});
        self.staff.put(&path, body).await.expect(200);
    }

    async fn record(&self, client: &Client, events: Vec<Value>) -> Value {
        let path = format!("{}/events", self.usage);
        client
            .post(&path, json!({"items": events}))
            .await
            .expect(200)
            .json()
    }

    /// The usage of a metric in the requested months.
    async fn used(&self, query: &str, metric: &str) -> Vec<Value> {
        let admin = self.app.as_user(&self.demo.admin);
        let answer = admin
            .get(&format!("{}{query}", self.usage))
            .await
            .expect(200)
            .json();
        let months = answer["months"].as_array().unwrap().iter();
        let of = |month: &Value| {
            let metrics = month["metrics"].as_array().unwrap();
            let found = metrics.iter().find(|one| one["metric"] == metric);
            found.unwrap()["used"].clone()
        };
        months.map(of).collect()
    }

    async fn counters(&self) -> Vec<(String, String, i64)> {
        sqlx::query_as(
            "select metric, month::text, used from tenancy.usage_counters where tenant_id = $1 order by 1, 2",
        )
        .bind(self.demo.id)
        .fetch_all(&mut self.app.admin().await)
        .await
        .unwrap()
    }

    async fn warnings(&self) -> Vec<Value> {
        sqlx::query_scalar(
            "select data from events.outbox where type = 'de.revalenz.tenancy.quota.warning.v1' order by aggregate, aggregate_version",
        )
        .fetch_all(&mut self.app.admin().await)
        .await
        .unwrap()
    }
}

fn event(id: &str, quantity: i64) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "gateway", "type": "llm_tokens", "data": {"quantity": quantity}})
}

#[tokio::test]
async fn usage_contains_seats_and_each_metric_with_its_limit() {
    let fixture = UsageFixture::new().await;
    fixture
        .set_limits(
            json!({"llm_tokens": {"limit": 1_000, "enforcement": "soft"}, "api_requests": null}),
        )
        .await;
    let admin = fixture.app.as_user(&fixture.demo.admin);
    fixture.record(&admin, vec![event("1", 850)]).await;
    let answer = admin.get(&fixture.usage).await.expect(200).json();
    assert_eq!(
        answer,
        json!({
            "seats": {"taken": 6, "limit": 10},
            "months": [{"month": "2026-11", "metrics": [
                {"metric": "storage_bytes", "used": 0, "limit": 107_374_182_400_i64, "enforcement": "hard", "percent": 0},
                {"metric": "api_requests", "used": 0, "limit": null, "enforcement": null, "percent": null},
                {"metric": "llm_tokens", "used": 850, "limit": 1_000, "enforcement": "soft", "percent": 85},
            ]}],
        })
    );
    fixture
        .app
        .as_user(&fixture.demo.manager)
        .get(&fixture.usage)
        .await
        .expect_problem(403, "forbidden");
    let other = fixture.app.tenant("other").await;
    let foreign = fixture.app.as_user(&other.admin);
    foreign
        .get(&fixture.usage)
        .await
        .expect_problem(404, "not_found");
    foreign
        .post(
            &format!("{}/events", fixture.usage),
            json!({"items": [event("2", 1)]}),
        )
        .await
        .expect_problem(404, "not_found");
    fixture.staff.get(&fixture.usage).await.expect(200);
}

#[tokio::test]
async fn events_are_counted_once_even_by_concurrent_jobs() {
    let fixture = UsageFixture::new().await;
    let key = fixture
        .app
        .key(fixture.demo.id, &["tenancy.usage.record"])
        .await;
    let answer = fixture
        .record(&key, vec![event("1", 10), event("2", 20), event("1", 99)])
        .await;
    assert_eq!(answer, json!({"recorded": 2, "known": 1}));
    let many: Vec<_> = (0..4)
        .map(|_| {
            let (key, path) = (key.clone(), format!("{}/events", fixture.usage));
            tokio::spawn(async move {
                loop {
                    let body = json!({"items": [event("2", 20), event("3", 30)]});
                    let answer = key.post(&path, body).await;
                    if answer.status != 503 {
                        return answer.expect(200).json()["recorded"].as_i64().unwrap();
                    }
                }
            })
        })
        .collect();
    let mut recorded = 0;
    for call in many {
        recorded += call.await.unwrap();
    }
    assert_eq!(recorded, 1);
    assert_eq!(
        fixture.used("", "llm_tokens").await,
        [60],
        "not counted yet"
    );
    let counted = run_job(&fixture.app, "count-usage").await;
    assert_eq!(counted, json!({"events": 3, "warnings": 0, "failed": 0}));
    let counted = run_job(&fixture.app, "count-usage").await;
    assert_eq!(counted["events"], 0);
    assert_eq!(fixture.used("", "llm_tokens").await, [60], "and counted");
    assert_eq!(
        fixture.counters().await,
        [("llm_tokens".to_owned(), "2026-11-01".to_owned(), 60)]
    );
}

#[tokio::test]
async fn late_events_count_in_the_month_of_use() {
    let fixture = UsageFixture::new().await;
    let late = |id, quantity, time| {
        let mut event = event(id, quantity);
        event["time"] = json!(time);
        event
    };
    fixture.record(&fixture.staff, vec![event("1", 5)]).await;
    run_job(&fixture.app, "count-usage").await;
    let events = vec![
        late("2", 7, "2026-10-31T23:59:59.999Z"),
        late("3", 11, "2026-11-01T00:00:00Z"),
        // Still October in UTC.
        late("4", 13, "2026-11-01T00:30:00+02:00"),
    ];
    fixture.record(&fixture.staff, events).await;
    run_job(&fixture.app, "count-usage").await;
    let used = fixture.used("?from=2026-09&to=2026-11", "llm_tokens").await;
    assert_eq!(used, [0, 20, 16]);
    let path = format!("{}/events", fixture.usage);
    let body = json!({"items": [
        late("5", 1, "2026-08-22T09:59:59Z"), late("6", 1, "2026-08-22T10:00:00Z"), late("7", 1, "2026-11-20T10:05:01Z"),
    ]});
    assert_eq!(
        wrong_fields(fixture.staff.post(&path, body).await),
        [
            "/items/0/time too_late_or_early",
            "/items/2/time too_late_or_early"
        ]
    );
}

#[tokio::test]
async fn functions_record_usage_in_their_transaction_and_storage_accumulates() {
    let fixture = UsageFixture::new().await;
    let db = Db::connect_lazy(&fixture.app.database.login_url("support"), 2).unwrap();
    let record = async |quantity, source_id, keep: bool| {
        let mut tx = db
            .begin(fixture.demo.id, Actor::SYSTEM, fixture.app.clock.now())
            .await
            .unwrap();
        let used = UsageRecord {
            metric: Metric::parse("storage_bytes").unwrap(),
            quantity,
            source: "files",
            source_id,
            subject: None,
            at: fixture.app.clock.now(),
        };
        let news = usage::record(&mut tx, used).await.unwrap();
        if keep {
            tx.commit().await.unwrap();
        }
        news
    };
    assert!(record(1_000, "a", true).await);
    assert!(!record(1_000, "a", true).await, "recorded before");
    assert!(record(5_000, "b", false).await, "rolled back");
    // An external source with the same names is a different source.
    let mut outside = event("a", 0);
    outside["source"] = json!("files");
    assert_eq!(
        fixture.record(&fixture.staff, vec![outside]).await["recorded"],
        1
    );
    run_job(&fixture.app, "count-usage").await;
    fixture.app.clock.advance(Duration::from_hours(24 * 15));
    assert!(record(-400, "a, deleted", true).await);
    let used = fixture
        .used("?from=2026-10&to=2027-01", "storage_bytes")
        .await;
    assert_eq!(used, [0, 1_000, 600, 600]);
}

#[tokio::test]
async fn counters_can_be_rebuilt_from_the_events() {
    let fixture = UsageFixture::new().await;
    fixture
        .record(&fixture.staff, vec![event("1", 5), event("2", 6)])
        .await;
    run_job(&fixture.app, "count-usage").await;
    let right = fixture.counters().await;
    assert_eq!(
        run_job(&fixture.app, "recount-usage").await,
        json!({"put_right": 0})
    );
    sqlx::query("update tenancy.usage_counters set used = 1000000")
        .execute(&mut fixture.app.admin().await)
        .await
        .unwrap();
    sqlx::query(
        "insert into tenancy.usage_counters (tenant_id, metric, month, used, updated_at) values ($1, 'storage_bytes', '2026-10-01', 3, $2)",
    )
    .bind(fixture.demo.id)
    .bind(fixture.app.clock.now())
    .execute(&mut fixture.app.admin().await)
    .await
    .unwrap();
    // Events that are not counted yet are left out.
    fixture.record(&fixture.staff, vec![event("3", 7)]).await;
    assert_eq!(
        run_job(&fixture.app, "recount-usage").await,
        json!({"put_right": 2})
    );
    assert_eq!(fixture.counters().await[..1], right[..]);
    run_job(&fixture.app, "count-usage").await;
    assert_eq!(fixture.used("", "llm_tokens").await, [18]);
    assert_eq!(
        run_job(&fixture.app, "recount-usage").await,
        json!({"put_right": 0})
    );
}

#[tokio::test]
async fn a_tenant_is_warned_at_80_and_at_100_percent_once_a_month() {
    let fixture = UsageFixture::new().await;
    fixture
        .set_limits(json!({"llm_tokens": {"limit": 100}, "storage_bytes": {"limit": 10}}))
        .await;
    let record = async |id: &str, quantity| {
        let staff = crate::staff(&fixture.app).await;
        fixture.record(&staff, vec![event(id, quantity)]).await;
        run_job(&fixture.app, "count-usage").await["warnings"].clone()
    };
    assert_eq!(record("1", 79).await, 0);
    assert_eq!(record("2", 1).await, 1);
    assert_eq!(record("3", 19).await, 0, "already warned at 80");
    assert_eq!(record("4", 1).await, 1);
    assert_eq!(record("5", 500).await, 0);
    let thresholds = async || -> Vec<Value> {
        let warnings = fixture.warnings().await;
        warnings
            .iter()
            .map(|data| data["threshold"].clone())
            .collect()
    };
    assert_eq!(thresholds().await, [80, 100]);
    assert_eq!(
        fixture.warnings().await[0],
        json!({"tenant_id": fixture.demo.id, "metric": "llm_tokens", "month": "2026-11", "threshold": 80, "used": 80, "limit": 100})
    );
    fixture.app.clock.advance(Duration::from_hours(24 * 15));
    assert_eq!(
        record("6", 120).await,
        1,
        "a new month, and above both thresholds"
    );
    assert_eq!(thresholds().await, [80, 100, 100]);
}

#[tokio::test]
async fn only_staff_corrects_and_invalid_requests_record_nothing() {
    let fixture = UsageFixture::new().await;
    let admin = fixture.app.as_user(&fixture.demo.admin);
    let path = format!("{}/events", fixture.usage);
    let body = json!({"items": [event("1", 5), event("2", -5)]});
    assert_eq!(
        wrong_fields(admin.post(&path, body.clone()).await),
        ["/items/1/data/quantity out_of_range"]
    );
    assert_eq!(fixture.used("", "llm_tokens").await, [0]);
    let body = json!({"items": [event("1", 5), event("2", -3)]});
    fixture.staff.post(&path, body).await.expect(200);
    assert_eq!(fixture.used("", "llm_tokens").await, [2]);
    let too_many: Vec<Value> = (0..101).map(|id| event(&id.to_string(), 1)).collect();
    assert_eq!(
        wrong_fields(admin.post(&path, json!({"items": too_many})).await),
        ["/items too_long"]
    );
    let mut strange = event("9", 1);
    strange["type"] = json!("shoes");
    strange["colour"] = json!("red");
    assert_eq!(
        wrong_fields(admin.post(&path, json!({"items": [strange]})).await),
        ["/items/0/colour unknown_field", "/items/0/type not_one_of"]
    );
    let key = fixture
        .app
        .key(fixture.demo.id, &["tenancy.usage.read"])
        .await;
    key.post(&path, json!({"items": []}))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn invalid_ranges_of_months_are_refused() {
    let fixture = UsageFixture::new().await;
    let admin = fixture.app.as_user(&fixture.demo.admin);
    for (query, wrong) in [
        ("?from=2026-12", "/from bad_range"),
        ("?from=2023-11", "/from bad_range"),
        ("?from=2026-13", "/from invalid_format"),
        ("?month=2026-11", "/month unknown_field"),
    ] {
        let answer = admin.get(&format!("{}{query}", fixture.usage)).await;
        assert_eq!(wrong_fields(answer), [wrong], "{query}");
    }
    let three_years = fixture.used("?from=2023-12", "llm_tokens").await;
    assert_eq!(three_years.len(), 36);
}

#[tokio::test]
async fn api_requests_are_included() {
    let fixture = UsageFixture::new().await;
    fixture
        .set_limits(json!({"api_requests": {"limit": 1_000_000}}))
        .await;
    assert_eq!(fixture.used("", "api_requests").await, [100], "one block");
    run_job(&fixture.app, "count-usage").await;
    assert_eq!(fixture.used("", "api_requests").await, [100]);
}

use std::time::Duration;

use access::usage::{self, Metric, Use};
use db::{Actor, Db};
use serde_json::{Value, json};
use testkit::{Client, Stage, TestTenant};

use crate::{run_job, stage, wrong_fields};

struct Scene {
    stage: Stage,
    demo: TestTenant,
    staff: Client,
    usage: String,
}

impl Scene {
    async fn new() -> Self {
        let stage = stage().await;
        let demo = stage.tenant("demo").await;
        let staff = crate::staff(&stage).await;
        let usage = format!("/api/v1/tenants/{}/usage", demo.id);
        Self {
            stage,
            demo,
            staff,
            usage,
        }
    }

    async fn agree(&self, limits: Value) {
        let path = format!("/api/v1/tenants/{}/license", self.demo.id);
        let body = json!({"seats": 10, "limits": limits});
        self.staff.put(&path, body).await.expect(200);
    }

    async fn tell(&self, client: &Client, events: Vec<Value>) -> Value {
        let path = format!("{}/events", self.usage);
        client
            .post(&path, json!({"items": events}))
            .await
            .expect(200)
            .json()
    }

    /// A metric in the months that are asked for.
    async fn used(&self, query: &str, metric: &str) -> Vec<Value> {
        let admin = self.stage.as_(&self.demo.admin);
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
        .fetch_all(&mut self.stage.admin().await)
        .await
        .unwrap()
    }

    async fn warnings(&self) -> Vec<Value> {
        sqlx::query_scalar(
            "select data from events.outbox where type = 'de.revalenz.tenancy.quota.warning.v1' order by aggregate, aggregate_version",
        )
        .fetch_all(&mut self.stage.admin().await)
        .await
        .unwrap()
    }
}

fn event(id: &str, quantity: i64) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "gateway", "type": "llm_tokens", "data": {"quantity": quantity}})
}

#[tokio::test]
async fn usage_shows_seats_and_each_metric_with_its_limit() {
    let scene = Scene::new().await;
    scene
        .agree(json!({"llm_tokens": {"limit": 1_000, "enforcement": "soft"}, "api_requests": null}))
        .await;
    let admin = scene.stage.as_(&scene.demo.admin);
    scene.tell(&admin, vec![event("1", 850)]).await;
    let answer = admin.get(&scene.usage).await.expect(200).json();
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
    scene
        .stage
        .as_(&scene.demo.manager)
        .get(&scene.usage)
        .await
        .refused(403, "forbidden");
    let other = scene.stage.tenant("other").await;
    let foreign = scene.stage.as_(&other.admin);
    foreign.get(&scene.usage).await.refused(404, "not_found");
    foreign
        .post(
            &format!("{}/events", scene.usage),
            json!({"items": [event("2", 1)]}),
        )
        .await
        .refused(404, "not_found");
    scene.staff.get(&scene.usage).await.expect(200);
}

#[tokio::test]
async fn what_is_told_twice_counts_once_however_often_and_by_whomever_it_is_counted() {
    let scene = Scene::new().await;
    let key = scene
        .stage
        .key(scene.demo.id, &["tenancy.usage.record"])
        .await;
    let answer = scene
        .tell(&key, vec![event("1", 10), event("2", 20), event("1", 99)])
        .await;
    assert_eq!(answer, json!({"recorded": 2, "known": 1}));
    let many: Vec<_> = (0..4)
        .map(|_| {
            let (key, path) = (key.clone(), format!("{}/events", scene.usage));
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
    assert_eq!(scene.used("", "llm_tokens").await, [60], "not counted yet");
    let counted = run_job(&scene.stage, "count-usage").await;
    assert_eq!(counted, json!({"events": 3, "warnings": 0, "failed": 0}));
    let counted = run_job(&scene.stage, "count-usage").await;
    assert_eq!(counted["events"], 0);
    assert_eq!(scene.used("", "llm_tokens").await, [60], "and counted");
    assert_eq!(
        scene.counters().await,
        [("llm_tokens".to_owned(), "2026-11-01".to_owned(), 60)]
    );
}

#[tokio::test]
async fn what_comes_late_counts_in_the_month_in_which_it_was_used() {
    let scene = Scene::new().await;
    let late = |id, quantity, time| {
        let mut event = event(id, quantity);
        event["time"] = json!(time);
        event
    };
    scene.tell(&scene.staff, vec![event("1", 5)]).await;
    run_job(&scene.stage, "count-usage").await;
    let events = vec![
        late("2", 7, "2026-10-31T23:59:59.999Z"),
        late("3", 11, "2026-11-01T00:00:00Z"),
        // In UTC it was October still.
        late("4", 13, "2026-11-01T00:30:00+02:00"),
    ];
    scene.tell(&scene.staff, events).await;
    run_job(&scene.stage, "count-usage").await;
    let used = scene.used("?from=2026-09&to=2026-11", "llm_tokens").await;
    assert_eq!(used, [0, 20, 16]);
    let path = format!("{}/events", scene.usage);
    let body = json!({"items": [
        late("5", 1, "2026-08-22T09:59:59Z"), late("6", 1, "2026-08-22T10:00:00Z"), late("7", 1, "2026-11-20T10:05:01Z"),
    ]});
    assert_eq!(
        wrong_fields(scene.staff.post(&path, body).await),
        [
            "/items/0/time too_late_or_early",
            "/items/2/time too_late_or_early"
        ]
    );
}

#[tokio::test]
async fn functions_tell_in_their_own_transaction_and_what_is_stored_adds_up() {
    let scene = Scene::new().await;
    let db = Db::lazy(&scene.stage.database.login_url("support"), 2).unwrap();
    let tell = async |quantity, source_id, keep: bool| {
        let mut tx = db.begin(scene.demo.id, Actor::SYSTEM).await.unwrap();
        let used = Use {
            metric: Metric::StorageBytes,
            quantity,
            source: "files",
            source_id,
            subject: None,
            at: scene.stage.clock.now(),
        };
        let news = usage::record(&mut tx, used).await.unwrap();
        if keep {
            tx.commit().await.unwrap();
        }
        news
    };
    assert!(tell(1_000, "a", true).await);
    assert!(!tell(1_000, "a", true).await, "told before");
    assert!(tell(5_000, "b", false).await, "rolled back");
    // Whoever tells from outside under the same names is somebody else.
    let mut outside = event("a", 0);
    outside["source"] = json!("files");
    assert_eq!(scene.tell(&scene.staff, vec![outside]).await["recorded"], 1);
    run_job(&scene.stage, "count-usage").await;
    scene.stage.clock.advance(Duration::from_hours(24 * 15));
    assert!(tell(-400, "a, deleted", true).await);
    let used = scene
        .used("?from=2026-10&to=2027-01", "storage_bytes")
        .await;
    assert_eq!(used, [0, 1_000, 600, 600]);
}

#[tokio::test]
async fn counters_can_be_made_anew_from_what_was_told() {
    let scene = Scene::new().await;
    scene
        .tell(&scene.staff, vec![event("1", 5), event("2", 6)])
        .await;
    run_job(&scene.stage, "count-usage").await;
    let right = scene.counters().await;
    assert_eq!(
        run_job(&scene.stage, "recount-usage").await,
        json!({"put_right": 0})
    );
    sqlx::query("update tenancy.usage_counters set used = 1000000")
        .execute(&mut scene.stage.admin().await)
        .await
        .unwrap();
    sqlx::query(
        "insert into tenancy.usage_counters (tenant_id, metric, month, used, updated_at) values ($1, 'storage_bytes', '2026-10-01', 3, $2)",
    )
    .bind(scene.demo.id)
    .bind(scene.stage.clock.now())
    .execute(&mut scene.stage.admin().await)
    .await
    .unwrap();
    // What nobody counted yet is not in it.
    scene.tell(&scene.staff, vec![event("3", 7)]).await;
    assert_eq!(
        run_job(&scene.stage, "recount-usage").await,
        json!({"put_right": 2})
    );
    assert_eq!(scene.counters().await[..1], right[..]);
    run_job(&scene.stage, "count-usage").await;
    assert_eq!(scene.used("", "llm_tokens").await, [18]);
    assert_eq!(
        run_job(&scene.stage, "recount-usage").await,
        json!({"put_right": 0})
    );
}

#[tokio::test]
async fn a_tenant_is_warned_at_80_and_at_100_percent_once_a_month() {
    let scene = Scene::new().await;
    scene
        .agree(json!({"llm_tokens": {"limit": 100}, "storage_bytes": {"limit": 10}}))
        .await;
    let tell = async |id: &str, quantity| {
        let staff = crate::staff(&scene.stage).await;
        scene.tell(&staff, vec![event(id, quantity)]).await;
        run_job(&scene.stage, "count-usage").await["warnings"].clone()
    };
    assert_eq!(tell("1", 79).await, 0);
    assert_eq!(tell("2", 1).await, 1);
    assert_eq!(tell("3", 19).await, 0, "warned of 80 before");
    assert_eq!(tell("4", 1).await, 1);
    assert_eq!(tell("5", 500).await, 0);
    let thresholds = async || -> Vec<Value> {
        let warnings = scene.warnings().await;
        warnings
            .iter()
            .map(|data| data["threshold"].clone())
            .collect()
    };
    assert_eq!(thresholds().await, [80, 100]);
    assert_eq!(
        scene.warnings().await[0],
        json!({"tenant_id": scene.demo.id, "metric": "llm_tokens", "month": "2026-11", "threshold": 80, "used": 80, "limit": 100})
    );
    scene.stage.clock.advance(Duration::from_hours(24 * 15));
    assert_eq!(
        tell("6", 120).await,
        1,
        "another month, and straight to the top"
    );
    assert_eq!(thresholds().await, [80, 100, 100]);
}

#[tokio::test]
async fn only_staff_corrects_and_nothing_that_is_wrong_is_half_recorded() {
    let scene = Scene::new().await;
    let admin = scene.stage.as_(&scene.demo.admin);
    let path = format!("{}/events", scene.usage);
    let body = json!({"items": [event("1", 5), event("2", -5)]});
    assert_eq!(
        wrong_fields(admin.post(&path, body.clone()).await),
        ["/items/1/data/quantity out_of_range"]
    );
    assert_eq!(scene.used("", "llm_tokens").await, [0]);
    let body = json!({"items": [event("1", 5), event("2", -3)]});
    scene.staff.post(&path, body).await.expect(200);
    assert_eq!(scene.used("", "llm_tokens").await, [2]);
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
    let key = scene
        .stage
        .key(scene.demo.id, &["tenancy.usage.read"])
        .await;
    key.post(&path, json!({"items": []}))
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn months_that_are_no_range_are_refused() {
    let scene = Scene::new().await;
    let admin = scene.stage.as_(&scene.demo.admin);
    for (query, wrong) in [
        ("?from=2026-12", "/from bad_range"),
        ("?from=2023-11", "/from bad_range"),
        ("?from=2026-13", "/from invalid_format"),
        ("?month=2026-11", "/month unknown_field"),
    ] {
        let answer = admin.get(&format!("{}{query}", scene.usage)).await;
        assert_eq!(wrong_fields(answer), [wrong], "{query}");
    }
    let three_years = scene.used("?from=2023-12", "llm_tokens").await;
    assert_eq!(three_years.len(), 36);
}

#[tokio::test]
async fn requests_to_the_api_are_in_it() {
    let scene = Scene::new().await;
    scene
        .agree(json!({"api_requests": {"limit": 1_000_000}}))
        .await;
    assert_eq!(scene.used("", "api_requests").await, [100], "a block");
    run_job(&scene.stage, "count-usage").await;
    assert_eq!(scene.used("", "api_requests").await, [100]);
}

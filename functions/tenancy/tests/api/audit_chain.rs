//! The chain of the audit log, and how it reveals tampering.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use events::jobs::SCHEDULE_TIME;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use testkit::{Client, TestApp, TestTenant};

use crate::app;

const SEAL: &str = "/internal/jobs/seal-audit-log";
const VERIFY: &str = "/internal/jobs/verify-audit-log";
const VERIFICATION: &str = "/api/v1/audit-log/verification";

/// Runs a job with a new schedule time.
async fn run(app: &TestApp, path: &str) -> Value {
    static TIMES: AtomicI64 = AtomicI64::new(0);
    let later = chrono::TimeDelta::milliseconds(TIMES.fetch_add(1, Ordering::Relaxed));
    let proof = app.state.internal_auth().header().unwrap();
    app.anonymous()
        .with("authorization", proof.to_str().unwrap())
        .with(SCHEDULE_TIME, &(app.clock.now() + later).to_rfc3339())
        .post(path, json!({}))
        .await
        .expect(200)
        .json()
}

/// Performs actions that are recorded, a second apart.
async fn record_entries(app: &TestApp, demo: &TestTenant, times: usize) {
    let path = format!("/api/v1/tenants/{}", demo.id);
    for _ in 0..times {
        app.clock.advance(Duration::from_secs(1));
        let name = format!("Demo {}", app.clock.now().timestamp());
        let admin = app.as_user(&demo.admin);
        admin.patch(&path, json!({"name": name})).await.expect(200);
    }
}

/// An app with five sealed entries.
async fn sealed_log() -> (TestApp, TestTenant) {
    let app = app().await;
    let demo = app.tenant("demo").await;
    record_entries(&app, &demo, 5).await;
    assert_eq!(
        run(&app, SEAL).await,
        json!({"tenants": 1, "rows": 5, "failed": 0})
    );
    (app, demo)
}

async fn verification(client: &Client) -> Value {
    client.get(VERIFICATION).await.expect(200).json()
}

/// Kind and position of each finding.
async fn findings(client: &Client) -> Vec<(String, Option<i64>)> {
    let verification = verification(client).await;
    let findings = verification["findings"].as_array().unwrap();
    assert_eq!(verification["valid"], json!(findings.is_empty()));
    let name = |finding: &Value| {
        let kind = finding["kind"].as_str().unwrap().to_owned();
        (kind, finding["sequence"].as_i64())
    };
    findings.iter().map(name).collect()
}

#[tokio::test]
async fn every_entry_is_sealed_once_and_the_log_verifies() {
    let (app, demo) = sealed_log().await;
    assert_eq!(
        run(&app, SEAL).await,
        json!({"tenants": 0, "rows": 0, "failed": 0})
    );
    let admin = app.as_user(&demo.admin);
    let log = admin.get("/api/v1/audit-log").await.expect(200).json();
    let places: Vec<&Value> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["sequence"])
        .collect();
    assert_eq!(places, [5, 4, 3, 2, 1]);
    let all = verification(&admin).await;
    assert_eq!(all["valid"], true, "{all}");
    assert_eq!(all["checked"], 5);
    assert_eq!(all["head"]["sequence"], 5);
    assert_eq!(all["head"]["hash"].as_str().unwrap().len(), 64);
    assert_eq!(all["next_after"], Value::Null);
    let rest = admin
        .get(&format!("{VERIFICATION}?after=3"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&rest["valid"], &rest["checked"]),
        (&json!(true), &json!(2))
    );
    record_entries(&app, &demo, 2).await;
    assert_eq!(run(&app, SEAL).await["rows"], 2);
    assert_eq!(verification(&admin).await["until"], 7);
}

#[tokio::test]
async fn a_row_that_commits_late_gets_the_next_position() {
    let (app, demo) = sealed_log().await;
    let mut admin = app.admin().await;
    insert(&mut admin, &demo, "interval '10 minutes'", "null, null").await;
    assert_eq!(run(&app, SEAL).await["rows"], 1);
    let place: i64 =
        sqlx::query_scalar("select sequence from access.audit_log where action = 'forged'")
            .fetch_one(&mut admin)
            .await
            .unwrap();
    assert_eq!(place, 6);
    assert!(findings(&app.as_user(&demo.admin)).await.is_empty());
}

/// Inserts a row that is older than the newest by `age`.
async fn insert(admin: &mut PgConnection, demo: &TestTenant, age: &str, sealed: &str) {
    let sql = format!(
        "insert into access.audit_log (tenant_id, audit_entry_id, occurred_at, actor_kind, action, resource_kind, sequence, chain_hash, chain_key)
        select '{}', gen_random_uuid(), max(occurred_at) - {age}, 'system', 'forged', 'x', {sealed}, 1 from access.audit_log",
        demo.id
    );
    admin.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// A statement, and kind and position of the findings that it causes.
type Tampering = (&'static str, &'static [(&'static str, Option<i64>)]);

#[tokio::test]
async fn tampering_by_the_database_owner_is_reported() {
    let (app, demo) = sealed_log().await;
    let client = app.as_user(&demo.admin);
    let mut admin = app.admin().await;
    admin
        .execute("create table saved as select * from access.audit_log; create table saved_heads as select * from tenancy.audit_heads")
        .await
        .unwrap();
    let cases: [Tampering; 13] = [
        (
            "update access.audit_log set changes = '{}' where sequence = 2",
            &[("changed", Some(2))],
        ),
        (
            "update access.audit_log set actor_id = null where sequence in (1, 5)",
            &[("changed", Some(1)), ("changed", Some(5))],
        ),
        (
            "update access.audit_log set occurred_at = occurred_at + interval '1 microsecond' where sequence = 3",
            &[("changed", Some(3))],
        ),
        (
            "update access.audit_log set chain_hash = '' where sequence = 3",
            &[("changed", Some(3))],
        ),
        (
            "delete from access.audit_log where sequence = 3",
            &[("missing", Some(3))],
        ),
        (
            "delete from access.audit_log where sequence > 3",
            &[("cut_off", Some(4))],
        ),
        (
            "delete from access.audit_log",
            &[("cut_off", Some(1))],
        ),
        (
            "update access.audit_log set sequence = null where sequence = 2;
            update access.audit_log set sequence = 2 where sequence = 3;
            update access.audit_log set sequence = 3 where sequence is null",
            &[("moved", Some(2)), ("moved", Some(3))],
        ),
        (
            "update access.audit_log set sequence = null, occurred_at = occurred_at - interval '1 hour' where sequence = 2",
            &[("missing", Some(2)), ("inserted", None)],
        ),
        (
            "insert into access.audit_log select tenant_id, gen_random_uuid(), occurred_at, actor_kind, actor_id, action, resource_kind, resource_id,
                changes, reason, request_id, address, 6, chain_hash, chain_key from access.audit_log where sequence = 5",
            &[("changed", Some(6)), ("inserted", Some(6))],
        ),
        (
            "insert into access.audit_log select tenant_id, gen_random_uuid(), occurred_at, actor_kind, actor_id, action, resource_kind, resource_id,
                changes, reason, request_id, address, -6, chain_hash, chain_key from access.audit_log where sequence = 5",
            &[("inserted", None)],
        ),
        (
            "delete from tenancy.audit_heads",
            &[("wrong_head", Some(5))],
        ),
        (
            "update tenancy.audit_heads set chain_hash = ''",
            &[("wrong_head", Some(5))],
        ),
    ];
    for (tampering, wanted) in cases {
        assert!(findings(&client).await.is_empty());
        admin.execute(tampering).await.unwrap();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(kind, place)| ((*kind).to_owned(), *place))
            .collect();
        assert_eq!(findings(&client).await, wanted, "{tampering}");
        let result = run(&app, VERIFY).await;
        assert_eq!(result["findings"], wanted.len(), "{tampering}");
        admin
            .execute(
                "delete from access.audit_log; insert into access.audit_log select * from saved;
                delete from tenancy.audit_heads; insert into tenancy.audit_heads select * from saved_heads",
            )
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_row_inserted_with_an_old_time_is_reported_and_never_sealed() {
    let (app, demo) = sealed_log().await;
    let mut admin = app.admin().await;
    insert(&mut admin, &demo, "interval '1 hour'", "null, null").await;
    assert_eq!(run(&app, SEAL).await["rows"], 0);
    let client = app.as_user(&demo.admin);
    assert_eq!(findings(&client).await, [("inserted".to_owned(), None)]);
}

#[tokio::test]
async fn concurrent_sealing_leaves_one_chain_without_gaps() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let settings = format!("/api/v1/tenants/{}/settings", demo.id);
    let mut acts = tokio::task::JoinSet::new();
    // Two tasks and the job: as many as the connection pool of a test serves.
    for length in 0..2 {
        let (client, path) = (app.as_user(&demo.admin), settings.clone());
        acts.spawn(async move {
            for round in 0..10 {
                let change = json!({"password_policy": {"min_length": 10 + length * 10 + round}});
                // Retry while the service is busy, as a client would.
                while client.patch(&path, change.clone()).await.status == 503 {}
            }
        });
    }
    let mut sealed = 0;
    while !acts.is_empty() {
        sealed += run(&app, SEAL).await["rows"].as_u64().unwrap();
        acts.try_join_next();
    }
    sealed += run(&app, SEAL).await["rows"].as_u64().unwrap();
    let all = verification(&app.as_user(&demo.admin)).await;
    assert_eq!(all["valid"], true, "{all}");
    assert_eq!(all["checked"], sealed);
    assert_eq!(all["until"], sealed);
}

#[tokio::test]
async fn each_tenant_has_a_chain_of_its_own() {
    let (app, demo) = sealed_log().await;
    let other = app.tenant("other").await;
    let theirs = verification(&app.as_user(&other.admin)).await;
    assert_eq!(
        (&theirs["checked"], &theirs["head"]),
        (&json!(0), &Value::Null)
    );
    record_entries(&app, &other, 1).await;
    run(&app, SEAL).await;
    let theirs = verification(&app.as_user(&other.admin)).await;
    assert_eq!(
        (&theirs["until"], &theirs["valid"]),
        (&json!(1), &json!(true))
    );
    app.as_user(&demo.manager)
        .get(VERIFICATION)
        .await
        .expect_problem(403, "forbidden");
    let admin = app.as_user(&demo.admin);
    for wrong in [
        "after=x",
        "after=-1",
        "after=99999999999999999999",
        "before=1",
    ] {
        let path = format!("{VERIFICATION}?{wrong}");
        admin
            .get(&path)
            .await
            .expect_problem(422, "validation_failed");
    }
    for far in ["99", "9000000000000000"] {
        let path = format!("{VERIFICATION}?after={far}");
        admin.get(&path).await.expect(200);
    }
}

#[tokio::test]
async fn only_tenancy_seals_and_no_one_changes_entries() {
    let (app, demo) = sealed_log().await;
    for (login, statement) in [
        ("tenancy", "update access.audit_log set action = 'x'"),
        ("tenancy", "update access.audit_log set occurred_at = now()"),
        ("tenancy", "delete from access.audit_log"),
        ("tenancy", "delete from tenancy.audit_heads"),
        ("identity", "update access.audit_log set sequence = 1"),
        ("support", "update access.audit_log set chain_hash = ''"),
        ("support", "update tenancy.audit_heads set sequence = 1"),
    ] {
        let url = app.database.login_url(login);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let tenant = format!("set app.tenant_id = '{}'", demo.id);
        connection.execute(AssertSqlSafe(tenant)).await.unwrap();
        let refused = connection.execute(statement).await.unwrap_err();
        let code = refused.as_database_error().unwrap().code();
        assert_eq!(code.as_deref(), Some("42501"), "{login}: {statement}");
    }
}

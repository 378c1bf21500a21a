//! The chain that seals the audit log, and whoever has been at work on it.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use events::jobs::SCHEDULE_TIME;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use testkit::{Client, Stage, TestTenant};

use crate::stage;

const SEAL: &str = "/internal/jobs/seal-audit-log";
const VERIFY: &str = "/internal/jobs/verify-audit-log";
const VERIFICATION: &str = "/api/v1/audit-log/verification";

/// Runs a job, each time for another time.
async fn run(stage: &Stage, path: &str) -> Value {
    static TIMES: AtomicI64 = AtomicI64::new(0);
    let later = chrono::TimeDelta::milliseconds(TIMES.fetch_add(1, Ordering::Relaxed));
    let proof = stage.gate.internal_auth().header().unwrap();
    stage
        .stranger()
        .with("authorization", proof.to_str().unwrap())
        .with(SCHEDULE_TIME, &(stage.clock.now() + later).to_rfc3339())
        .post(path, json!({}))
        .await
        .expect(200)
        .json()
}

/// So many acts, a second apart.
async fn act(stage: &Stage, demo: &TestTenant, times: usize) {
    let path = format!("/api/v1/tenants/{}", demo.id);
    for _ in 0..times {
        stage.clock.advance(Duration::from_secs(1));
        let name = format!("Demo {}", stage.clock.now().timestamp());
        let admin = stage.as_(&demo.admin);
        admin.patch(&path, json!({"name": name})).await.expect(200);
    }
}

/// A stage on which five acts are sealed.
async fn sealed() -> (Stage, TestTenant) {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    act(&stage, &demo, 5).await;
    assert_eq!(
        run(&stage, SEAL).await,
        json!({"tenants": 1, "rows": 5, "failed": 0})
    );
    (stage, demo)
}

async fn verification(client: &Client) -> Value {
    client.get(VERIFICATION).await.expect(200).json()
}

/// Kind and place of everything that is found.
async fn found(client: &Client) -> Vec<(String, Option<i64>)> {
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
async fn every_act_is_sealed_once_and_the_log_verifies() {
    let (stage, demo) = sealed().await;
    assert_eq!(
        run(&stage, SEAL).await,
        json!({"tenants": 0, "rows": 0, "failed": 0})
    );
    let admin = stage.as_(&demo.admin);
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
    act(&stage, &demo, 2).await;
    assert_eq!(run(&stage, SEAL).await["rows"], 2);
    assert_eq!(verification(&admin).await["until"], 7);
}

#[tokio::test]
async fn a_row_that_commits_late_gets_the_next_place() {
    let (stage, demo) = sealed().await;
    let mut admin = stage.admin().await;
    insert(&mut admin, &demo, "interval '10 minutes'", "null, null").await;
    assert_eq!(run(&stage, SEAL).await["rows"], 1);
    let place: i64 =
        sqlx::query_scalar("select sequence from access.audit_log where action = 'forged'")
            .fetch_one(&mut admin)
            .await
            .unwrap();
    assert_eq!(place, 6);
    assert!(found(&stage.as_(&demo.admin)).await.is_empty());
}

/// Puts a row in, so much older than the newest.
async fn insert(admin: &mut PgConnection, demo: &TestTenant, age: &str, sealed: &str) {
    let sql = format!(
        "insert into access.audit_log (tenant_id, audit_entry_id, occurred_at, actor_kind, action, resource_kind, sequence, chain_hash, chain_key)
        select '{}', gen_random_uuid(), max(occurred_at) - {age}, 'system', 'forged', 'x', {sealed}, 1 from access.audit_log",
        demo.id
    );
    admin.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// What is done, and kind and place of what is found then.
type Tampering = (&'static str, &'static [(&'static str, Option<i64>)]);

#[tokio::test]
async fn whatever_the_owner_of_the_database_does_is_named() {
    let (stage, demo) = sealed().await;
    let client = stage.as_(&demo.admin);
    let mut admin = stage.admin().await;
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
        assert!(found(&client).await.is_empty());
        admin.execute(tampering).await.unwrap();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(kind, place)| ((*kind).to_owned(), *place))
            .collect();
        assert_eq!(found(&client).await, wanted, "{tampering}");
        let result = run(&stage, VERIFY).await;
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
async fn what_is_put_in_with_an_old_time_is_never_sealed_but_named() {
    let (stage, demo) = sealed().await;
    let mut admin = stage.admin().await;
    insert(&mut admin, &demo, "interval '1 hour'", "null, null").await;
    assert_eq!(run(&stage, SEAL).await["rows"], 0);
    let client = stage.as_(&demo.admin);
    assert_eq!(found(&client).await, [("inserted".to_owned(), None)]);
}

#[tokio::test]
async fn sealing_beside_acts_leaves_one_chain_without_gaps() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let settings = format!("/api/v1/tenants/{}/settings", demo.id);
    let mut acts = tokio::task::JoinSet::new();
    // Two at once, and the job: as many as the pool of a test serves.
    for length in 0..2 {
        let (client, path) = (stage.as_(&demo.admin), settings.clone());
        acts.spawn(async move {
            for round in 0..10 {
                let change = json!({"password_policy": {"min_length": 10 + length * 10 + round}});
                // Busy: as a client would, once more.
                while client.patch(&path, change.clone()).await.status == 503 {}
            }
        });
    }
    let mut sealed = 0;
    while !acts.is_empty() {
        sealed += run(&stage, SEAL).await["rows"].as_u64().unwrap();
        acts.try_join_next();
    }
    sealed += run(&stage, SEAL).await["rows"].as_u64().unwrap();
    let all = verification(&stage.as_(&demo.admin)).await;
    assert_eq!(all["valid"], true, "{all}");
    assert_eq!(all["checked"], sealed);
    assert_eq!(all["until"], sealed);
}

#[tokio::test]
async fn each_tenant_has_a_chain_of_its_own() {
    let (stage, demo) = sealed().await;
    let other = stage.tenant("other").await;
    let theirs = verification(&stage.as_(&other.admin)).await;
    assert_eq!(
        (&theirs["checked"], &theirs["head"]),
        (&json!(0), &Value::Null)
    );
    act(&stage, &other, 1).await;
    run(&stage, SEAL).await;
    let theirs = verification(&stage.as_(&other.admin)).await;
    assert_eq!(
        (&theirs["until"], &theirs["valid"]),
        (&json!(1), &json!(true))
    );
    stage
        .as_(&demo.manager)
        .get(VERIFICATION)
        .await
        .refused(403, "forbidden");
    let admin = stage.as_(&demo.admin);
    for wrong in ["after=x", "after=99999999999999999999", "before=1"] {
        let path = format!("{VERIFICATION}?{wrong}");
        admin.get(&path).await.refused(422, "validation_failed");
    }
    for far in ["-1", "99", "9223372036854775807", "-9223372036854775808"] {
        let path = format!("{VERIFICATION}?after={far}");
        admin.get(&path).await.expect(200);
    }
}

#[tokio::test]
async fn only_tenancy_seals_and_nobody_changes_what_was_said() {
    let (stage, demo) = sealed().await;
    for (login, statement) in [
        ("tenancy", "update access.audit_log set action = 'x'"),
        ("tenancy", "update access.audit_log set occurred_at = now()"),
        ("tenancy", "delete from access.audit_log"),
        ("tenancy", "delete from tenancy.audit_heads"),
        ("identity", "update access.audit_log set sequence = 1"),
        ("support", "update access.audit_log set chain_hash = ''"),
        ("support", "update tenancy.audit_heads set sequence = 1"),
    ] {
        let url = stage.database.login_url(login);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let tenant = format!("set app.tenant_id = '{}'", demo.id);
        connection.execute(AssertSqlSafe(tenant)).await.unwrap();
        let refused = connection.execute(statement).await.unwrap_err();
        let code = refused.as_database_error().unwrap().code();
        assert_eq!(code.as_deref(), Some("42501"), "{login}: {statement}");
    }
}

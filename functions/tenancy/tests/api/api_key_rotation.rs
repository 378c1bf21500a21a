//! Rotating, updating and expiring API keys.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, TestApp};

use crate::{actions, announced, app, run_job, wrong_fields};

const PATH: &str = "/api/v1/api-keys";

async fn create_key(client: &Client, more: Value) -> (String, String) {
    let mut body = json!({"name": "Sheets", "scopes": ["tenancy.audit.read"]});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let made = client.post(PATH, body).await.expect(201).json();
    (
        format!("{PATH}/{}", made["id"].as_str().unwrap()),
        made["key"].as_str().unwrap().to_owned(),
    )
}

async fn status(app: &TestApp, key: &str) -> u16 {
    let caller = app.anonymous().with("x-api-key", key);
    caller.get("/api/v1/audit-log").await.status.as_u16()
}

/// Gives all sessions a recent authentication.
async fn reauthenticate(app: &TestApp) {
    sqlx::query("update access.sessions set proved_at = $1")
        .bind(app.clock.now())
        .execute(&mut app.admin().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn after_a_rotation_the_old_secret_works_during_the_overlap() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let (path, old) = create_key(&admin, json!({})).await;
    let rotate = format!("{path}/rotate");
    let once = admin.clone().with("idempotency-key", "r1");
    let answer = once.post(&rotate, json!({})).await.expect(201).json();
    assert_eq!(answer["previous_until"], "2026-11-21T10:00:00Z");
    assert_eq!(answer["version"], 2);
    let new = answer["key"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    let replay = once.post(&rotate, json!({})).await.expect(201).json();
    assert_eq!(replay["key"], Value::Null, "returned only once");
    assert_eq!(
        (status(&app, &old).await, status(&app, &new).await),
        (200, 200)
    );
    app.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    assert_eq!(status(&app, &old).await, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(
        (status(&app, &old).await, status(&app, &new).await),
        (401, 200)
    );
    let hashes: Vec<Vec<u8>> = sqlx::query_scalar(
        "select previous_secret_hash from access.api_keys where previous_secret_hash is not null",
    )
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    assert_eq!(hashes.len(), 1);
    assert!(
        !hashes[0]
            .windows(8)
            .any(|part| old.as_bytes().windows(8).any(|other| other == part))
    );

    reauthenticate(&app).await;
    let admin = app.as_user(&demo.admin);
    let newest = admin
        .post(&rotate, json!({"overlap_hours": 0}))
        .await
        .expect(201)
        .json();
    assert_eq!(newest["previous_until"], Value::Null);
    assert_eq!(
        status(&app, &new).await,
        401,
        "without an overlap the old secret stops working immediately"
    );
    assert_eq!(status(&app, newest["key"].as_str().unwrap()).await, 200);
    assert_eq!(
        actions(&admin).await,
        [
            "tenancy.api_key.created",
            "tenancy.api_key.rotated",
            "tenancy.api_key.rotated"
        ]
    );
    assert_eq!(
        announced(&app, demo.id).await,
        ["api_key.created", "api_key.rotated", "api_key.rotated"]
    );
}

#[tokio::test]
async fn a_second_rotation_invalidates_the_first_secret() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let (path, first) = create_key(&admin, json!({})).await;
    let mut keys = vec![first];
    for _ in 0..2 {
        let rotated = admin
            .post(&format!("{path}/rotate"), json!({"overlap_hours": 168}))
            .await;
        keys.push(
            rotated.expect(201).json()["key"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let mut statuses = Vec::new();
    for key in &keys {
        statuses.push(status(&app, key).await);
    }
    assert_eq!(statuses, [401, 200, 200]);
    admin.delete(&path).await.expect(204);
    for key in &keys {
        assert_eq!(
            status(&app, key).await,
            401,
            "every secret of a revoked key is refused"
        );
    }
    admin
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn without_its_scopes_a_key_can_be_neither_rotated_nor_extended() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let admin = app.as_user(&demo.admin);
    let (path, key) = create_key(&admin, json!({})).await;
    app.as_user(&other.admin)
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect_problem(404, "not_found");
    app.as_user(&demo.manager)
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect_problem(403, "forbidden");
    sqlx::query("update access.roles set permissions = permissions - 'tenancy.audit.read' where tenant_id = $1 and name = 'admin'")
        .bind(demo.id)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    admin
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect_problem(403, "scope_exceeds_permissions");
    let longer = json!({"expires_at": "2027-11-20T10:00:00Z"});
    admin
        .patch(&path, longer)
        .await
        .expect_problem(403, "scope_exceeds_permissions");
    admin
        .patch(&path, json!({"name": "Another name"}))
        .await
        .expect(200);
    assert_eq!(
        status(&app, &key).await,
        200,
        "the key keeps its scopes until it is revoked"
    );
    app.clock.advance(Duration::from_mins(11));
    let admin = app.as_user(&demo.admin);
    admin
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect_problem(403, "reauthentication_needed");
    admin
        .patch(&path, json!({"name": "x"}))
        .await
        .expect_problem(403, "reauthentication_needed");
}

#[tokio::test]
async fn a_key_can_be_updated() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let (path, key) = create_key(&admin, json!({"expires_at": "2026-11-20T10:05:00Z"})).await;
    let changed = admin
        .clone()
        .with("if-match", "\"1\"")
        .patch(
            &path,
            json!({"name": "Export", "ip_ranges": ["203.0.113.7/24"], "requests_per_minute": 2}),
        )
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&changed["name"], &changed["ip_ranges"]),
        (&json!("Export"), &json!(["203.0.113.0/24"]))
    );
    assert_eq!(
        status(&app, &key).await,
        401,
        "refused from outside its ranges"
    );
    let outdated = admin.clone().with("if-match", "\"1\"");
    outdated
        .patch(&path, json!({"name": "x"}))
        .await
        .expect_problem(412, "precondition_failed");
    assert_eq!(
        wrong_fields(
            admin
                .patch(&path, json!({"expires_at": "2026-11-20T10:00:00Z"}))
                .await
        ),
        ["/expires_at in_the_past"]
    );
    assert_eq!(
        wrong_fields(
            admin
                .patch(
                    &path,
                    json!({"scopes": [], "key": "mine", "requests_per_minute": 0})
                )
                .await
        ),
        [
            "/key unknown_field",
            "/requests_per_minute out_of_range",
            "/scopes unknown_field"
        ]
    );
    admin
        .patch(&path, json!({"ip_ranges": []}))
        .await
        .expect(200);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(status(&app, &key).await);
    }
    assert_eq!(statuses, [200, 200, 429], "limited to its own rate");
    app.clock.advance(Duration::from_mins(5));
    assert_eq!(status(&app, &key).await, 401);
    admin
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect_problem(409, "api_key_expired");
    admin
        .patch(
            &path,
            json!({"expires_at": null, "requests_per_minute": null}),
        )
        .await
        .expect(200);
    assert_eq!(status(&app, &key).await, 200);
}

#[tokio::test]
async fn an_expiring_key_is_announced_once_per_expiry() {
    let app = app().await;
    let (demo, frozen) = (app.tenant("demo").await, app.tenant("frozen").await);
    let admin = app.as_user(&demo.admin);
    let (path, _) = create_key(&admin, json!({"expires_at": "2026-12-04T10:00:01Z"})).await;
    create_key(
        &app.as_user(&frozen.admin),
        json!({"expires_at": "2026-11-22T10:00:00Z"}),
    )
    .await;
    create_key(&admin, json!({})).await;
    sqlx::query("update access.tenants set status = 'suspended' where tenant_id = $1")
        .bind(frozen.id)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    let job = "expiring-keys";
    assert_eq!(
        run_job(&app, job).await,
        json!({"api_keys": 0}),
        "14 days and a second before the expiry"
    );
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(run_job(&app, job).await, json!({"api_keys": 1}));
    assert_eq!(run_job(&app, job).await, json!({"api_keys": 0}));
    admin
        .patch(&path, json!({"expires_at": "2026-12-03T10:00:00Z"}))
        .await
        .expect(200);
    assert_eq!(run_job(&app, job).await, json!({"api_keys": 1}));
    let events = announced(&app, demo.id).await;
    assert_eq!(
        events
            .iter()
            .filter(|kind| *kind == "api_key.expiring")
            .count(),
        2
    );
}

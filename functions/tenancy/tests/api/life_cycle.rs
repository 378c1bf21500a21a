use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestResponse, TestTenant};

use crate::{actions, announced, app, run_job, staff};

const REVALENZ: &str = "00000000-0000-7000-8000-000000000001";

async fn step(client: &Client, tenant: &TestTenant, step: &str) -> TestResponse {
    let path = format!("/api/v1/tenants/{}/{step}", tenant.id);
    client
        .post(&path, json!({"reason": "Invoice 7 is overdue"}))
        .await
}

async fn write(client: &Client, tenant: &TestTenant) -> TestResponse {
    let path = format!("/api/v1/tenants/{}/settings", tenant.id);
    client.patch(&path, json!({"magic_link": false})).await
}

#[tokio::test]
async fn a_suspended_tenant_is_read_only_until_it_is_reactivated() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let staff = app.as_user(&app.superadmin().await);
    let admin = app.as_user(&demo.admin);
    let key = app
        .key(demo.id, &["tenancy.settings.read", "tenancy.tenant.update"])
        .await;
    let suspended = step(&staff, &demo, "suspend").await.expect(200).json();
    assert_eq!(suspended["status"], "suspended");
    assert_eq!(suspended["status_reason"], "Invoice 7 is overdue");
    assert_eq!(suspended["status_since"], "2026-11-20T10:00:00Z");
    write(&admin, &demo)
        .await
        .expect_problem(403, "tenant_suspended");
    key.patch(
        &format!("/api/v1/tenants/{}", demo.id),
        json!({"name": "Demo"}),
    )
    .await
    .expect_problem(403, "tenant_suspended");
    for client in [&admin, &key] {
        client
            .get(&format!("/api/v1/tenants/{}/settings", demo.id))
            .await
            .expect(200);
    }
    step(&admin, &demo, "close")
        .await
        .expect_problem(403, "tenant_suspended");
    let neighbour = app.as_user(&other.admin);
    write(&neighbour, &other).await.expect(200);

    step(&staff, &demo, "reactivate").await.expect(200);
    write(&admin, &demo).await.expect(200);
    assert_eq!(
        announced(&app, demo.id).await,
        ["tenant.suspended", "tenant.reactivated", "tenant.updated"]
    );
    let log = admin.get("/api/v1/audit-log").await.expect(200).json();
    let first = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["changes"]["status"]["new"] == "suspended")
        .unwrap();
    assert_eq!(first["reason"], "Invoice 7 is overdue");
    assert_eq!(first["actor"]["kind"], "superadmin");
}

#[tokio::test]
async fn a_past_due_tenant_keeps_working() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = app.as_user(&app.superadmin().await);
    let past_due = step(&staff, &demo, "past-due").await.expect(200).json();
    assert_eq!(past_due["status"], "past_due");
    write(&app.as_user(&demo.admin), &demo).await.expect(200);
    let refused = step(&staff, &demo, "past-due")
        .await
        .expect_problem(409, "step_not_possible");
    assert_eq!(
        refused["possible_steps"],
        json!(["suspend", "reactivate", "close"])
    );
    step(&staff, &demo, "reactivate").await.expect(200);
    let refused = step(&staff, &demo, "reactivate")
        .await
        .expect_problem(409, "step_not_possible");
    assert_eq!(
        refused["possible_steps"],
        json!(["past_due", "suspend", "close"])
    );
}

#[tokio::test]
async fn concurrent_requests_take_a_step_once() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = app.as_user(&app.superadmin().await);
    // Retry after a lock timeout, as a client would.
    let patient = async || loop {
        let answer = step(&staff, &demo, "suspend").await;
        if answer.status != 503 {
            return answer;
        }
    };
    let answers = join_all((0..4).map(|_| patient())).await;
    let mut statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    assert_eq!(announced(&app, demo.id).await, ["tenant.suspended"]);
}

#[tokio::test]
async fn only_staff_suspends_and_the_platform_tenant_cannot_be_suspended() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    for one in ["suspend", "reactivate", "past-due"] {
        step(&app.as_user(&demo.admin), &demo, one)
            .await
            .expect_problem(403, "forbidden");
    }
    for person in [&demo.manager, &demo.expert, &demo.customer] {
        step(&app.as_user(person), &demo, "close")
            .await
            .expect_problem(403, "forbidden");
    }
    step(&app.as_user(&other.admin), &demo, "close")
        .await
        .expect_problem(404, "not_found");
    let key = app.key(demo.id, &["tenancy.tenant.close"]).await;
    step(&key, &demo, "close")
        .await
        .expect_problem(403, "not_a_person");
    let staff = app.as_user(&app.superadmin().await);
    for one in ["suspend", "close"] {
        staff
            .post(
                &format!("/api/v1/tenants/{REVALENZ}/{one}"),
                json!({"reason": "by mistake"}),
            )
            .await
            .expect_problem(409, "platform_tenant");
    }
    let refused = staff
        .post(
            &format!("/api/v1/tenants/{}/suspend", demo.id),
            json!({"reason": "x"}),
        )
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/reason");
    assert_eq!(announced(&app, demo.id).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_admin_closes_their_tenant_with_recent_authentication() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    app.clock.advance(Duration::from_mins(11));
    let admin = app.as_user(&demo.admin);
    step(&admin, &demo, "close")
        .await
        .expect_problem(403, "reauthentication_needed");
    sqlx::query("update access.sessions set proved_at = $2 where tenant_id = $1")
        .bind(demo.id)
        .bind(app.clock.now())
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    let closing = step(&admin, &demo, "close").await.expect(200).json();
    assert_eq!(closing["status"], "closing");
    assert_eq!(closing["closes_at"], "2026-12-20T10:11:00Z");
    write(&admin, &demo)
        .await
        .expect_problem(403, "tenant_suspended");
    let own = format!("/api/v1/tenants/{}", demo.id);
    assert_eq!(
        admin.get(&own).await.expect(200).json()["closes_at"],
        "2026-12-20T10:11:00Z"
    );
    // Closing can be cancelled until the last day.
    let staff = app.as_user(&app.superadmin().await);
    let back = step(&staff, &demo, "reactivate").await.expect(200).json();
    assert_eq!(
        (&back["status"], &back["closes_at"]),
        (&json!("active"), &Value::Null)
    );
}

/// Extends all sessions by months.
async fn extend_sessions(app: &TestApp) {
    sqlx::query("update access.sessions set expires_at = expires_at + interval '1 year'")
        .execute(&mut app.admin().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn after_thirty_days_every_credential_is_refused() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    extend_sessions(&app).await;
    let key = app.key(demo.id, &["tenancy.audit.read"]).await;
    sqlx::query("insert into access.origins (tenant_id, origin, created_at) values ($1, 'https://app.demo.example', now())")
        .bind(demo.id)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    step(&app.as_user(&demo.admin), &demo, "close")
        .await
        .expect(200);
    app.clock.advance(Duration::from_secs(30 * 86_400 - 1));
    assert_eq!(run_job(&app, "close-tenants").await, json!({"tenants": 0}));
    app.as_user(&demo.admin)
        .get("/api/v1/audit-log")
        .await
        .expect(200);
    key.get("/api/v1/audit-log").await.expect(200);

    app.clock.advance(Duration::from_secs(1));
    assert_eq!(run_job(&app, "close-tenants").await, json!({"tenants": 1}));
    assert_eq!(run_job(&app, "close-tenants").await, json!({"tenants": 0}));
    for client in [
        &app.as_user(&demo.admin),
        &app.as_user(&demo.customer),
        &key,
    ] {
        client
            .get("/api/v1/features")
            .await
            .expect_problem(401, "unauthenticated");
    }
    let preflight = app
        .anonymous()
        .call(http::Method::OPTIONS, "/api/v1/features")
        .header("origin", "https://app.demo.example")
        .header("access-control-request-method", "GET")
        .send()
        .await;
    assert_eq!(preflight.header("access-control-allow-origin"), "");
    assert_eq!(
        announced(&app, demo.id).await,
        ["tenant.closing", "tenant.closed"]
    );
    let staff = staff(&app).await;
    let refused = step(&staff, &demo, "reactivate")
        .await
        .expect_problem(409, "step_not_possible");
    assert_eq!(refused["possible_steps"], json!([]));
    write(&staff, &demo)
        .await
        .expect_problem(403, "tenant_suspended");
    // The slug stays reserved.
    let path = format!("/api/v1/tenants/{}", demo.id);
    assert_eq!(
        staff.get(&path).await.expect(200).json()["status"],
        "closed"
    );
}

#[tokio::test]
async fn staff_must_state_a_reason_to_change_another_tenant() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let silent = app.as_user(&app.superadmin().await);
    let path = format!("/api/v1/tenants/{}", demo.id);
    let flags = json!({"items": [{"flag": "projects", "enabled": true}]});
    for answer in [
        silent.patch(&path, json!({"name": "Taken"})).await,
        silent
            .put(&format!("{path}/settings"), json!({"magic_link": false}))
            .await,
        silent.put(&format!("{path}/features"), flags).await,
        silent
            .post(
                &format!("{path}/domains"),
                json!({"host": "app.demo.example"}),
            )
            .await,
    ] {
        answer.expect_problem(400, "reason_required");
    }
    silent.get(&path).await.expect(200);
    let blank = silent.clone().with("x-reason", "  ");
    blank
        .patch(&path, json!({"name": "Taken"}))
        .await
        .expect_problem(400, "reason_required");
    let open = silent.with("x-reason", "ticket 4711");
    open.patch(&path, json!({"name": "Asked for"}))
        .await
        .expect(200);
    assert_eq!(
        actions(&app.as_user(&demo.admin)).await,
        [
            "tenancy.tenant.read_by_superadmin",
            "tenancy.tenant.updated"
        ]
    );
}

#[tokio::test]
async fn other_processes_refuse_a_suspended_tenant_once_their_cache_expires() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let elsewhere = app
        .another_process(&[(tenancy::NAME, tenancy::service)], Duration::from_secs(1))
        .bearer(&app.token(&demo.admin));
    write(&elsewhere, &demo).await.expect(200);
    let staff = app.as_user(&app.superadmin().await);
    step(&staff, &demo, "suspend").await.expect(200);
    write(&app.as_user(&demo.admin), &demo)
        .await
        .expect_problem(403, "tenant_suspended");
    // The other process may use its cache until it expires.
    let refused = async {
        loop {
            let answer = write(&elsewhere, &demo).await;
            if answer.status == 403 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let refused = tokio::time::timeout(Duration::from_mins(1), refused).await;
    refused.unwrap().expect_problem(403, "tenant_suspended");
}

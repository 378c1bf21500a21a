use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Client, Stage, TestTenant};

use crate::{actions, announced, run_job, staff, stage};

const REVALENZ: &str = "00000000-0000-7000-8000-000000000001";

async fn step(client: &Client, tenant: &TestTenant, step: &str) -> Answer {
    let path = format!("/api/v1/tenants/{}/{step}", tenant.id);
    client
        .post(&path, json!({"reason": "Invoice 7 is overdue"}))
        .await
}

async fn write(client: &Client, tenant: &TestTenant) -> Answer {
    let path = format!("/api/v1/tenants/{}/settings", tenant.id);
    client.patch(&path, json!({"magic_link": false})).await
}

#[tokio::test]
async fn a_suspended_tenant_reads_and_changes_nothing_until_it_is_set_to_work_again() {
    let stage = stage().await;
    let (demo, other) = (stage.tenant("demo").await, stage.tenant("other").await);
    let staff = stage.as_(&stage.superadmin().await);
    let admin = stage.as_(&demo.admin);
    let key = stage
        .key(
            demo.id,
            &["tenancy.settings.read", "tenancy.settings.update"],
        )
        .await;
    let suspended = step(&staff, &demo, "suspend").await.expect(200).json();
    assert_eq!(suspended["status"], "suspended");
    assert_eq!(suspended["status_reason"], "Invoice 7 is overdue");
    assert_eq!(suspended["status_since"], "2026-11-20T10:00:00Z");
    for client in [&admin, &key] {
        write(client, &demo).await.refused(403, "tenant_suspended");
        client
            .get(&format!("/api/v1/tenants/{}/settings", demo.id))
            .await
            .expect(200);
    }
    step(&admin, &demo, "close")
        .await
        .refused(403, "tenant_suspended");
    let neighbour = stage.as_(&other.admin);
    write(&neighbour, &other).await.expect(200);

    step(&staff, &demo, "reactivate").await.expect(200);
    write(&admin, &demo).await.expect(200);
    assert_eq!(
        announced(&stage, demo.id).await,
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
async fn a_tenant_that_owes_works_on() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let staff = stage.as_(&stage.superadmin().await);
    let owing = step(&staff, &demo, "past-due").await.expect(200).json();
    assert_eq!(owing["status"], "past_due");
    write(&stage.as_(&demo.admin), &demo).await.expect(200);
    let refused = step(&staff, &demo, "past-due")
        .await
        .refused(409, "step_not_possible");
    assert_eq!(
        refused["possible_steps"],
        json!(["suspend", "reactivate", "close"])
    );
    step(&staff, &demo, "reactivate").await.expect(200);
    let refused = step(&staff, &demo, "reactivate")
        .await
        .refused(409, "step_not_possible");
    assert_eq!(
        refused["possible_steps"],
        json!(["past_due", "suspend", "close"])
    );
}

#[tokio::test]
async fn of_many_who_take_the_same_step_one_does() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let staff = stage.as_(&stage.superadmin().await);
    // Whoever waited too long for the row tries again, as a client would.
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
    assert_eq!(announced(&stage, demo.id).await, ["tenant.suspended"]);
}

#[tokio::test]
async fn only_staff_suspends_and_the_platforms_own_tenant_stays() {
    let stage = stage().await;
    let (demo, other) = (stage.tenant("demo").await, stage.tenant("other").await);
    for one in ["suspend", "reactivate", "past-due"] {
        step(&stage.as_(&demo.admin), &demo, one)
            .await
            .refused(403, "forbidden");
    }
    for person in [&demo.manager, &demo.expert, &demo.customer] {
        step(&stage.as_(person), &demo, "close")
            .await
            .refused(403, "forbidden");
    }
    step(&stage.as_(&other.admin), &demo, "close")
        .await
        .refused(404, "not_found");
    let key = stage.key(demo.id, &["tenancy.tenant.close"]).await;
    step(&key, &demo, "close").await.refused(403, "forbidden");
    let staff = stage.as_(&stage.superadmin().await);
    for one in ["suspend", "close"] {
        staff
            .post(
                &format!("/api/v1/tenants/{REVALENZ}/{one}"),
                json!({"reason": "by mistake"}),
            )
            .await
            .refused(409, "platform_tenant");
    }
    let refused = staff
        .post(
            &format!("/api/v1/tenants/{}/suspend", demo.id),
            json!({"reason": "x"}),
        )
        .await
        .refused(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/reason");
    assert_eq!(announced(&stage, demo.id).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_admin_closes_the_own_tenant_with_a_recent_proof() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    stage.clock.advance(Duration::from_mins(11));
    let admin = stage.as_(&demo.admin);
    step(&admin, &demo, "close")
        .await
        .refused(403, "reauthentication_needed");
    sqlx::query("update access.sessions set proved_at = $2 where tenant_id = $1")
        .bind(demo.id)
        .bind(stage.clock.now())
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    let closing = step(&admin, &demo, "close").await.expect(200).json();
    assert_eq!(closing["status"], "closing");
    assert_eq!(closing["closes_at"], "2026-12-20T10:11:00Z");
    write(&admin, &demo).await.refused(403, "tenant_suspended");
    let own = format!("/api/v1/tenants/{}", demo.id);
    assert_eq!(
        admin.get(&own).await.expect(200).json()["closes_at"],
        "2026-12-20T10:11:00Z"
    );
    // A mistake can be undone until the last day.
    let staff = stage.as_(&stage.superadmin().await);
    let back = step(&staff, &demo, "reactivate").await.expect(200).json();
    assert_eq!(
        (&back["status"], &back["closes_at"]),
        (&json!("active"), &Value::Null)
    );
}

/// Keeps somebody signed in for months.
async fn prolong(stage: &Stage) {
    sqlx::query("update access.sessions set expires_at = expires_at + interval '1 year'")
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn after_thirty_days_every_credential_is_refused() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    prolong(&stage).await;
    let key = stage.key(demo.id, &["tenancy.audit.read"]).await;
    sqlx::query("insert into access.origins (tenant_id, origin, created_at) values ($1, 'https://app.demo.example', now())")
        .bind(demo.id)
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    step(&stage.as_(&demo.admin), &demo, "close")
        .await
        .expect(200);
    stage.clock.advance(Duration::from_secs(30 * 86_400 - 1));
    assert_eq!(
        run_job(&stage, "close-tenants").await,
        json!({"tenants": 0})
    );
    stage
        .as_(&demo.admin)
        .get("/api/v1/audit-log")
        .await
        .expect(200);
    key.get("/api/v1/audit-log").await.expect(200);

    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(
        run_job(&stage, "close-tenants").await,
        json!({"tenants": 1})
    );
    assert_eq!(
        run_job(&stage, "close-tenants").await,
        json!({"tenants": 0})
    );
    for client in [&stage.as_(&demo.admin), &stage.as_(&demo.customer), &key] {
        client
            .get("/api/v1/features")
            .await
            .refused(401, "unauthenticated");
    }
    let preflight = stage
        .stranger()
        .call(http::Method::OPTIONS, "/api/v1/features")
        .header("origin", "https://app.demo.example")
        .header("access-control-request-method", "GET")
        .send()
        .await;
    assert_eq!(preflight.header("access-control-allow-origin"), "");
    assert_eq!(
        announced(&stage, demo.id).await,
        ["tenant.closing", "tenant.closed"]
    );
    let staff = staff(&stage).await;
    let refused = step(&staff, &demo, "reactivate")
        .await
        .refused(409, "step_not_possible");
    assert_eq!(refused["possible_steps"], json!([]));
    write(&staff, &demo).await.refused(403, "tenant_suspended");
    // The name stays known, so that nobody takes it over.
    let path = format!("/api/v1/tenants/{}", demo.id);
    assert_eq!(
        staff.get(&path).await.expect(200).json()["status"],
        "closed"
    );
}

#[tokio::test]
async fn staff_changes_nothing_in_another_tenant_without_saying_why() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let silent = stage.as_(&stage.superadmin().await);
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
        answer.refused(400, "reason_required");
    }
    silent.get(&path).await.expect(200);
    let blank = silent.clone().with("x-reason", "  ");
    blank
        .patch(&path, json!({"name": "Taken"}))
        .await
        .refused(400, "reason_required");
    let open = silent.with("x-reason", "ticket 4711");
    open.patch(&path, json!({"name": "Asked for"}))
        .await
        .expect(200);
    assert_eq!(
        actions(&stage.as_(&demo.admin)).await,
        [
            "tenancy.tenant.read_by_superadmin",
            "tenancy.tenant.updated"
        ]
    );
}

#[tokio::test]
async fn what_one_process_suspends_another_refuses_once_it_remembers_no_longer() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let elsewhere = stage
        .another_process(&[(tenancy::NAME, tenancy::service)], Duration::from_secs(1))
        .bearer(&stage.token(&demo.admin));
    write(&elsewhere, &demo).await.expect(200);
    let staff = stage.as_(&stage.superadmin().await);
    step(&staff, &demo, "suspend").await.expect(200);
    write(&stage.as_(&demo.admin), &demo)
        .await
        .refused(403, "tenant_suspended");
    // The other one may believe otherwise for a while, and not for ever.
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
    refused.unwrap().refused(403, "tenant_suspended");
}

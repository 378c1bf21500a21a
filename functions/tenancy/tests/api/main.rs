//! tenancy over HTTP. Each test has its own database.
#![expect(
    clippy::unwrap_used,
    reason = "test code: a broken expectation is the answer"
)]

mod api_key_rotation;
mod api_keys;
mod audit_chain;
mod audit_export;
mod audit_log;
mod create_tenant;
mod domains;
mod features;
mod licences;
mod life_cycle;
mod reach;
mod second_factor;
mod settings;
mod usage;

use std::sync::atomic::{AtomicI64, Ordering};

use events::jobs::SCHEDULE_TIME;
use ids::TenantId;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestResponse};

/// An app with this function only.
async fn app() -> TestApp {
    TestApp::new(&[(tenancy::NAME, tenancy::service)]).await
}

/// A member of platform staff, with a stated reason.
async fn staff(app: &TestApp) -> Client {
    app.as_user(&app.superadmin().await)
        .with("x-reason", "ticket 4711")
}

/// Runs a job with a new schedule time.
async fn run_job(app: &TestApp, name: &str) -> Value {
    static TIMES: AtomicI64 = AtomicI64::new(0);
    let later = chrono::TimeDelta::milliseconds(TIMES.fetch_add(1, Ordering::Relaxed));
    let proof = app.state.internal_auth().header().unwrap();
    app.anonymous()
        .with("authorization", proof.to_str().unwrap())
        .with(SCHEDULE_TIME, &(app.clock.now() + later).to_rfc3339())
        .post(&format!("/internal/jobs/{name}"), json!({}))
        .await
        .expect(200)
        .json()
}

/// The short types of the events of a tenant, oldest first.
async fn announced(app: &TestApp, tenant: TenantId) -> Vec<String> {
    let types: Vec<String> =
        sqlx::query_scalar("select type from events.outbox where tenant_id = $1 order by position")
            .bind(tenant)
            .fetch_all(&mut app.admin().await)
            .await
            .unwrap();
    let short = |name: &String| {
        let name = name.trim_start_matches("de.revalenz.tenancy.");
        name.trim_end_matches(".v1").to_owned()
    };
    types.iter().map(short).collect()
}

/// The minimal body to create a tenant.
fn new_tenant(slug: &str) -> Value {
    json!({
        "slug": slug,
        "name": format!("{slug} GmbH"),
        "email": format!("office@{slug}.example"),
        "admin": {"email": format!("Maria@{slug}.example"), "given_name": "Maria", "family_name": "Muster"},
    })
}

/// Pointer and code of each invalid field, sorted.
fn wrong_fields(answer: TestResponse) -> Vec<String> {
    let document = answer.expect_problem(422, "validation_failed");
    let mut named: Vec<String> = document["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            format!(
                "{} {}",
                error["pointer"].as_str().unwrap(),
                error["code"].as_str().unwrap()
            )
        })
        .collect();
    named.sort();
    named
}

/// The actions in the log of the caller. Sorted, because the entries have equal times.
async fn actions(client: &Client) -> Vec<String> {
    let log = client.get("/api/v1/audit-log").await.expect(200).json();
    let entries = log["items"].as_array().unwrap();
    let mut actions: Vec<String> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    actions.sort();
    actions
}

//! tenancy over HTTP, each test with a database of its own.
#![expect(
    clippy::unwrap_used,
    reason = "test code: a broken expectation is the answer"
)]

mod api_keys;
mod audit_chain;
mod audit_export;
mod audit_log;
mod domains;
mod features;
mod founding;
mod key_care;
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
use testkit::{Answer, Client, Stage};

/// A stage with this function alone.
async fn stage() -> Stage {
    Stage::of(&[(tenancy::NAME, tenancy::service)]).await
}

/// One of the platform's staff, who says why.
async fn staff(stage: &Stage) -> Client {
    stage
        .as_(&stage.superadmin().await)
        .with("x-reason", "ticket 4711")
}

/// The scheduler knocks, each time for another time.
async fn run_job(stage: &Stage, name: &str) -> Value {
    static TIMES: AtomicI64 = AtomicI64::new(0);
    let later = chrono::TimeDelta::milliseconds(TIMES.fetch_add(1, Ordering::Relaxed));
    let proof = stage.gate.internal_auth().header().unwrap();
    stage
        .stranger()
        .with("authorization", proof.to_str().unwrap())
        .with(SCHEDULE_TIME, &(stage.clock.now() + later).to_rfc3339())
        .post(&format!("/internal/jobs/{name}"), json!({}))
        .await
        .expect(200)
        .json()
}

/// Types of what was announced for a tenant, the oldest first, without what they have in common.
async fn announced(stage: &Stage, tenant: TenantId) -> Vec<String> {
    let types: Vec<String> =
        sqlx::query_scalar("select type from events.outbox where tenant_id = $1 order by position")
            .bind(tenant)
            .fetch_all(&mut stage.admin().await)
            .await
            .unwrap();
    let short = |name: &String| {
        let name = name.trim_start_matches("de.revalenz.tenancy.");
        name.trim_end_matches(".v1").to_owned()
    };
    types.iter().map(short).collect()
}

/// What is needed to found a tenant, and nothing more.
fn founding(slug: &str) -> Value {
    json!({
        "slug": slug,
        "name": format!("{slug} GmbH"),
        "email": format!("office@{slug}.example"),
        "admin": {"email": format!("Maria@{slug}.example"), "given_name": "Maria", "family_name": "Muster"},
    })
}

/// Pointer and code of every wrong field, sorted.
fn wrong_fields(answer: Answer) -> Vec<String> {
    let document = answer.refused(422, "validation_failed");
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

/// Actions in the log that this caller reads, sorted: the clock stands, and so do the moments of the entries.
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

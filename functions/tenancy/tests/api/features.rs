use serde_json::{Value, json};

use crate::{staff, stage, wrong_fields};

fn is_on(features: &Value, flag: &str, field: &str) -> bool {
    features["items"]
        .as_array()
        .unwrap()
        .iter()
        .any(|feature| feature["flag"] == flag && feature[field] == true)
}

#[tokio::test]
async fn staff_switches_a_feature_and_everybody_in_the_tenant_sees_it_at_once() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let staff = staff(&stage).await;
    let customer = stage.as_(&demo.customer);
    assert!(!is_on(
        &customer.get("/api/v1/features").await.expect(200).json(),
        "ai",
        "enabled"
    ));
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let answer = staff
        .put(&path, json!({"items": [{"flag": "ai", "enabled": true}]}))
        .await
        .expect(200);
    assert_eq!(answer.header("etag"), "\"2\"");
    assert!(is_on(&answer.json(), "ai", "on"));
    let own = customer.get("/api/v1/features").await.expect(200).json();
    assert!(
        is_on(&own, "ai", "enabled") && is_on(&own, "support", "enabled"),
        "what was on stays on"
    );
    assert_eq!(own["items"].as_array().unwrap().len(), 9);
    let (kind, data): (String, Value) =
        sqlx::query_as("select type, data from events.outbox where tenant_id = $1")
            .bind(demo.id)
            .fetch_one(&mut stage.admin().await)
            .await
            .unwrap();
    assert_eq!(kind, "de.revalenz.tenancy.feature.changed.v1");
    assert_eq!(data, json!({"tenant_id": demo.id, "changed": {"ai": true}}));
    let log = stage
        .as_(&demo.admin)
        .get("/api/v1/audit-log?action=tenancy.feature")
        .await
        .expect(200)
        .json();
    assert_eq!(log["items"][0]["changes"]["ai"]["new"]["enabled"], true);
}

#[tokio::test]
async fn a_feature_ends_by_itself_at_its_hour() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let staff = staff(&stage).await;
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let trial =
        json!({"items": [{"flag": "ai", "enabled": true, "expires_at": "2026-11-20T10:05:00Z"}]});
    staff.put(&path, trial.clone()).await.expect(200);
    let customer = stage.as_(&demo.customer);
    assert!(is_on(
        &customer.get("/api/v1/features").await.expect(200).json(),
        "ai",
        "enabled"
    ));
    stage.clock.advance(std::time::Duration::from_mins(5));
    assert!(!is_on(
        &customer.get("/api/v1/features").await.expect(200).json(),
        "ai",
        "enabled"
    ));
    let after = staff.get(&path).await.expect(200).json();
    assert!(is_on(&after, "ai", "enabled") && !is_on(&after, "ai", "on"));
    staff.put(&path, trial).await.expect(200);
    assert_eq!(
        wrong_fields(staff.put(&path, json!({"items": [{"flag": "billing", "enabled": true, "expires_at": "2026-11-20T10:05:00Z"}]})).await),
        ["/items/0/expires_at in_the_past"]
    );
}

#[tokio::test]
async fn unknown_flags_repetitions_and_impossible_roll_outs_are_refused() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let staff = staff(&stage).await;
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let body = json!({"items": [{"flag": "teleport", "enabled": true}, {"flag": "ai"}, {"flag": "ai", "enabled": true, "rollout": 101}]});
    assert_eq!(
        wrong_fields(staff.put(&path, body).await),
        [
            "/items/0/flag not_one_of",
            "/items/1/enabled required",
            "/items/2/rollout out_of_range"
        ]
    );
    let twice =
        json!({"items": [{"flag": "ai", "enabled": true}, {"flag": "ai", "enabled": false}]});
    assert_eq!(
        wrong_fields(staff.put(&path, twice).await),
        ["/items/1/flag duplicate"]
    );
}

#[tokio::test]
async fn an_admin_reads_the_flags_but_does_not_switch_them() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    admin.get(&path).await.expect(200);
    admin
        .put(&path, json!({"items": [{"flag": "ai", "enabled": true}]}))
        .await
        .refused(403, "forbidden");
}

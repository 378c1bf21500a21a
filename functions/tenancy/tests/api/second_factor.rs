//! A role of which the organisation demands a second factor, as this function meets it.

use http::Method;
use serde_json::{Value, json};

use crate::stage;

/// Sessions of admins are without a factor here, so nothing is open to them, whatever it is.
#[tokio::test]
async fn nothing_is_open_to_who_has_still_to_enrol() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    sqlx::query(
        "update access.tenants set settings = '{\"mfa_required_roles\": [\"admin\"]}' where slug = 'demo'",
    )
    .execute(&mut stage.admin().await)
    .await
    .unwrap();
    let admin = stage.as_(&demo.admin);
    let document = serde_json::to_value(stage.document()).unwrap();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", &demo.id.to_string());
        for (method, operation) in methods.as_object().unwrap() {
            if operation["x-permission"] == "everyone" {
                continue;
            }
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let call = admin.call(method.clone(), &path);
            let call = match method {
                Method::GET | Method::DELETE => call,
                _ => call.json(&json!({})),
            };
            call.send().await.refused(403, "mfa_enrolment_required");
            tried += 1;
        }
    }
    assert!(tried >= 14, "{tried}");
    let manager = stage.as_(&demo.manager).get("/api/v1/features").await;
    assert_ne!(
        manager.json()["code"],
        Value::from("mfa_enrolment_required")
    );
}

#[tokio::test]
async fn a_key_is_made_by_who_has_proved_it_of_late() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let body = json!({"name": "Sheets", "scopes": ["tenancy.settings.read"]});
    let make = async || {
        let admin = stage.as_(&demo.admin);
        admin.post("/api/v1/api-keys", body.clone()).await
    };
    make().await.expect(201);
    stage.clock.advance(std::time::Duration::from_mins(10));
    make().await.refused(403, "reauthentication_needed");
    sqlx::query("update access.sessions set proved_at = $1")
        .bind(stage.clock.now())
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    make().await.expect(201);
    sqlx::query("update access.people set second_factor = true")
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    make().await.refused(403, "insufficient_aal");
}

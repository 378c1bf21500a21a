//! Roles that require a second factor.

use http::Method;
use serde_json::{Value, json};

use crate::app;

/// The admin's session has no second factor, so every operation is refused.
#[tokio::test]
async fn every_operation_requires_enrolment() {
    let (app, demo) = app().await;
    sqlx::query(
        "update access.tenants set settings = '{\"mfa_required_roles\": [\"admin\"]}' where slug = 'demo'",
    )
    .execute(&mut app.admin().await)
    .await
    .unwrap();
    let admin = app.as_user(&demo.admin);
    let document = serde_json::to_value(app.document()).unwrap();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", &demo.id.to_string());
        for (method, operation) in methods.as_object().unwrap() {
            if operation["x-permission"] == "everyone" {
                continue;
            }
            if path.ends_with("/bulk") {
                // Its items are operations of their own.
                let body = json!({"items": [{"op": "delete", "id": demo.id}]});
                let results = admin.post(&path, body).await.expect(200).json();
                let refused = &results["items"][0]["problem"]["code"];
                assert_eq!(refused, "mfa_enrolment_required");
                continue;
            }
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let call = admin.call(method.clone(), &path);
            let call = match method {
                Method::GET | Method::DELETE => call,
                _ => call.json(&json!({})),
            };
            call.send()
                .await
                .expect_problem(403, "mfa_enrolment_required");
            tried += 1;
        }
    }
    assert!(tried >= 8, "{tried}");
    let manager = app.as_user(&demo.manager).get("/api/v1/tickets").await;
    assert_ne!(
        manager.json()["code"],
        Value::from("mfa_enrolment_required")
    );
}

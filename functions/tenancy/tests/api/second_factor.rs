//! Roles that require multi-factor authentication.

use http::Method;
use serde_json::{Value, json};

use crate::app;

/// The sessions of admins have no second factor here, so every operation is refused.
#[tokio::test]
async fn everything_is_refused_until_mfa_enrolment() {
    let app = app().await;
    let demo = app.tenant("demo").await;
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
    assert!(tried >= 14, "{tried}");
    let manager = app.as_user(&demo.manager).get("/api/v1/features").await;
    assert_ne!(
        manager.json()["code"],
        Value::from("mfa_enrolment_required")
    );
}

#[tokio::test]
async fn creating_a_key_requires_recent_authentication() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let body = json!({"name": "Sheets", "scopes": ["tenancy.settings.read"]});
    let make = async || {
        let admin = app.as_user(&demo.admin);
        admin.post("/api/v1/api-keys", body.clone()).await
    };
    make().await.expect(201);
    app.clock.advance(std::time::Duration::from_mins(10));
    make().await.expect_problem(403, "reauthentication_needed");
    sqlx::query("update access.sessions set proved_at = $1")
        .bind(app.clock.now())
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    make().await.expect(201);
    sqlx::query("update access.people set second_factor = true")
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    make().await.expect_problem(403, "insufficient_aal");
}

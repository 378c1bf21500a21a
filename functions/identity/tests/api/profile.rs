use serde_json::{Value, json};

use super::demo;

#[tokio::test]
async fn everybody_changes_their_own_profile() {
    let (stage, tenant) = demo().await;
    let customer = stage.as_(&tenant.customer);
    let me = customer.get("/api/v1/me").await.expect(200);
    assert_eq!(
        (&me.json()["email"], me.header("etag")),
        (&json!("customer@demo.example"), "\"1\"")
    );
    let changed = customer
        .patch(
            "/api/v1/me",
            json!({"name": "Heike Brandhorst", "phone": "030 123456"}),
        )
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&changed["given_name"], &changed["family_name"]),
        (&json!("Heike"), &json!("Brandhorst"))
    );
    let cleared = customer
        .put("/api/v1/me", json!({"phone": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&cleared["phone"], &cleared["version"]),
        (&Value::Null, &json!(3))
    );
    let outdated = customer
        .call(http::Method::PUT, "/api/v1/me")
        .header("if-match", "\"1\"")
        .json(&json!({"locale": "de"}))
        .send()
        .await;
    outdated.refused(412, "precondition_failed");
    let problem = customer
        .put(
            "/api/v1/me",
            json!({"role": "admin", "given_name": null, "time_zone": "Mars"}),
        )
        .await
        .refused(422, "validation_failed");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_status_tells_who_calls_and_what_they_may() {
    let (stage, tenant) = demo().await;
    let nobody = stage
        .stranger()
        .get("/api/v1/auth/status")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&nobody["authenticated"], &nobody["user"]),
        (&json!(false), &Value::Null)
    );
    let manager = stage
        .as_(&tenant.manager)
        .get("/api/v1/auth/status")
        .await
        .expect(200)
        .json();
    assert_eq!(manager["authenticated"], true);
    assert_eq!(
        (&manager["role"], &manager["user"]["email"]),
        (&json!("manager"), &json!("manager@demo.example"))
    );
    assert_eq!(manager["permissions"]["identity.user.read"], "all");
    assert_eq!(
        (&manager["tenant"]["slug"], &manager["features"]["support"]),
        (&json!("demo"), &json!(true))
    );
    assert_eq!(manager["session"]["id"], json!(tenant.manager.session));
    let key = stage
        .key(tenant.id, &["support.ticket.read"])
        .await
        .get("/api/v1/auth/status")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&key["role"], &key["user"]),
        (&json!("api_key"), &Value::Null)
    );
    assert_eq!(key["permissions"], json!({"support.ticket.read": "all"}));
    stage
        .stranger()
        .bearer("garbage")
        .get("/api/v1/auth/status")
        .await
        .refused(401, "unauthenticated");
}

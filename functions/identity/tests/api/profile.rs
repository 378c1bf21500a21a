use serde_json::{Value, json};

use super::{demo, execute};

#[tokio::test]
async fn users_change_their_own_profile() {
    let (app, tenant) = demo().await;
    let customer = app.as_user(&tenant.customer);
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
    outdated.expect_problem(412, "precondition_failed");
    let problem = customer
        .put(
            "/api/v1/me",
            json!({"role": "admin", "given_name": null, "time_zone": "Mars"}),
        )
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_status_shows_the_caller_and_their_permissions() {
    let (app, tenant) = demo().await;
    let feature = "update access.tenants set features = '{\"support\": true}' where slug = 'demo'";
    execute(&app, feature).await;
    let nobody = app
        .anonymous()
        .get("/api/v1/auth/status")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&nobody["authenticated"], &nobody["user"]),
        (&json!(false), &Value::Null)
    );
    let manager = app
        .as_user(&tenant.manager)
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
    let key = app
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
    app.anonymous()
        .bearer("garbage")
        .get("/api/v1/auth/status")
        .await
        .expect_problem(401, "unauthenticated");
}

use serde_json::{Value, json};
use testkit::TestApp;

use super::{PASSWORD, add, announced, demo};

const NEW_DEVICE: &str = "de.revalenz.identity.session.new_device.v1";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn sign_in(app: &TestApp, user_agent: &str) {
    let body = json!({"tenant": "demo", "email": "ada@demo.example", "password": PASSWORD});
    let client = app.anonymous().with("user-agent", user_agent);
    client.post("/api/v1/auth/login", body).await.expect(200);
}

#[tokio::test]
async fn a_new_device_is_announced_except_the_first() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", "ada@demo.example").await;
    sign_in(&app, FIREFOX).await;
    sign_in(&app, FIREFOX).await;
    sign_in(&app, &FIREFOX.replace("140", "141")).await;
    assert_eq!(announced(&app, NEW_DEVICE).await, 0);
    sign_in(&app, "curl/8.5.0").await;
    sign_in(&app, "curl/8.6.0").await;
    assert_eq!(announced(&app, NEW_DEVICE).await, 1);
    let query = "select data, subject from events.outbox where type = $1";
    let (data, subject): (Value, String) = sqlx::query_as(query)
        .bind(NEW_DEVICE)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap();
    let session = data["session_id"].as_str().unwrap();
    assert_eq!(subject, format!("session/{session}"));
    assert_eq!(
        (&data["user_id"], &data["device"]),
        (&json!(id), &json!("curl"))
    );
    // Devices are compared per user.
    add(&app, &tenant, "customer", "grace@demo.example").await;
    let body = json!({"tenant": "demo", "email": "grace@demo.example", "password": PASSWORD});
    app.anonymous()
        .post("/api/v1/auth/login", body)
        .await
        .expect(200);
    assert_eq!(announced(&app, NEW_DEVICE).await, 1);
}

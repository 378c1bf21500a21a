use std::time::Duration;

use access::{AppSettings, AppState};
use axum::body::Body;
use serde_json::{Value, json};
use testkit::{TestApp, TestTenant};
use tower::ServiceExt;

use super::{PASSWORD, add, audited, bearer, demo, login, try_refresh};

/// Signs in on a device with this name, from this address.
async fn sign_in(app: &TestApp, email: &str, device: &str) -> Value {
    let body =
        json!({"tenant": "demo", "email": email, "password": PASSWORD, "device_name": device});
    let call = app
        .anonymous()
        .call(http::Method::POST, "/api/v1/auth/login")
        .json(&body);
    let call = call
        .header("user-agent", "Mozilla/5.0 (test)")
        .from_address("203.0.113.77");
    call.send().await.expect(200).json()
}

async fn two_devices(app: &TestApp, tenant: &TestTenant) -> (String, Value, Value) {
    let id = add(app, tenant, "customer", "ada@demo.example").await;
    let laptop = sign_in(app, "ada@demo.example", "Laptop").await;
    app.clock.advance(Duration::from_mins(1));
    (id, laptop, sign_in(app, "ada@demo.example", "Phone").await)
}

#[tokio::test]
async fn users_list_and_end_their_own_sessions() {
    let (app, tenant) = demo().await;
    let (_, laptop, phone) = two_devices(&app, &tenant).await;
    let client = bearer(&app, &laptop);
    let page = client.get("/api/v1/auth/sessions").await.expect(200).json();
    let items = page["items"].as_array().unwrap();
    let listed: Vec<_> = items
        .iter()
        .map(|item| (&item["device_name"], &item["current"]))
        .collect();
    assert_eq!(
        listed,
        [
            (&json!("Phone"), &json!(false)),
            (&json!("Laptop"), &json!(true))
        ]
    );
    assert_eq!(items[0]["address"], "203.0.113.•••");
    assert_eq!(items[0]["user_agent"], "Mozilla/5.0 (test)");
    assert_eq!(
        (&items[0]["amr"], &items[0]["acting"]),
        (&json!(["pwd"]), &Value::Null)
    );
    assert!(items[0]["created_at"].as_str() > items[1]["created_at"].as_str());

    let other = format!("/api/v1/auth/sessions/{}", items[0]["id"].as_str().unwrap());
    client.delete(&other).await.expect(204);
    client.delete(&other).await.expect_problem(404, "not_found");
    bearer(&app, &phone)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    try_refresh(&app, &phone["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
    client.get("/api/v1/me").await.expect(200);
    assert_eq!(audited(&app, "identity.session.ended").await, 1);
    let key = app.key(tenant.id, &["identity.session.end"]).await;
    key.get("/api/v1/auth/sessions")
        .await
        .expect_problem(403, "not_a_person");
}

#[tokio::test]
async fn sessions_are_paged() {
    let (app, tenant) = demo().await;
    let (_, laptop, _) = two_devices(&app, &tenant).await;
    let client = bearer(&app, &laptop);
    let first = client
        .get("/api/v1/auth/sessions?limit=1")
        .await
        .expect(200)
        .json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = format!("/api/v1/auth/sessions?limit=1&cursor={cursor}");
    let second = client.get(&next).await.expect(200).json();
    assert_eq!(
        (&second["items"][0]["device_name"], &second["next_cursor"]),
        (&json!("Laptop"), &Value::Null)
    );
    app.as_user(&tenant.customer)
        .get(&next)
        .await
        .expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn sessions_of_other_users_are_not_found() {
    let (app, tenant) = demo().await;
    let path = format!("/api/v1/auth/sessions/{}", tenant.expert.session);
    for person in [&tenant.customer, &tenant.admin] {
        app.as_user(person)
            .delete(&path)
            .await
            .expect_problem(404, "not_found");
    }
    app.as_user(&tenant.expert)
        .get("/api/v1/me")
        .await
        .expect(200);
    // Nor if the user does not match the session.
    let path = format!(
        "/api/v1/users/{}/sessions/{}",
        tenant.customer.id, tenant.expert.session
    );
    app.as_user(&tenant.admin)
        .delete(&path)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn managers_of_users_can_end_their_sessions() {
    let (app, tenant) = demo().await;
    let (id, laptop, phone) = two_devices(&app, &tenant).await;
    let manager = app.as_user(&tenant.manager);
    let sessions = format!("/api/v1/users/{id}/sessions");
    let page = manager.get(&sessions).await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let newest = page["items"][0]["id"].as_str().unwrap();
    manager
        .delete(&format!("{sessions}/{newest}"))
        .await
        .expect(204);
    bearer(&app, &phone)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    bearer(&app, &laptop).get("/api/v1/me").await.expect(200);
    manager.delete(&sessions).await.expect(204);
    bearer(&app, &laptop)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");

    let above = format!("/api/v1/users/{}/sessions", tenant.admin.id);
    manager
        .get(&above)
        .await
        .expect_problem(403, "role_too_powerful");
    manager
        .delete(&above)
        .await
        .expect_problem(403, "role_too_powerful");
    let expert = app.as_user(&tenant.expert);
    expert.get(&sessions).await.expect_problem(403, "forbidden");
    let theirs = app.tenant("other").await;
    app.as_user(&theirs.admin)
        .get(&sessions)
        .await
        .expect_problem(404, "not_found");
    app.as_user(&theirs.admin)
        .delete(&sessions)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn another_process_refuses_an_ended_session_after_the_cache_ttl() {
    // A process caches for at most a quarter of the documented minute.
    assert!(access::process::CACHE_TTL <= Duration::from_secs(15));
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&app, "ada@demo.example").await;
    let db = || db::Db::connect_lazy(&app.database.login_url("identity"), 2).unwrap();
    let settings = AppSettings {
        cache_ttl: Duration::from_millis(300),
        ..app.state.settings().clone()
    };
    let state = AppState::new(
        db(),
        app.clock.clone(),
        app.state.keyring().clone(),
        settings,
    );
    let elsewhere = web::service::compose([&identity::service(db(), state)]);
    let ask = async || {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let request = http::Request::get("/api/v1/me").header("authorization", bearer);
        let answer = elsewhere
            .clone()
            .oneshot(request.body(Body::empty()).unwrap());
        answer.await.unwrap().status().as_u16()
    };
    assert_eq!(ask().await, 200);
    let client = bearer(&app, &tokens);
    let page = client.get("/api/v1/auth/sessions").await.expect(200).json();
    let path = format!(
        "/api/v1/auth/sessions/{}",
        page["items"][0]["id"].as_str().unwrap()
    );
    client.delete(&path).await.expect(204);
    let mut last = 200;
    for _ in 0..100 {
        last = ask().await;
        if last == 401 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(last, 401);
}

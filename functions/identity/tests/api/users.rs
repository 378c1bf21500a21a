use serde_json::{Value, json};

use super::{PASSWORD, add, announced, audited, count, demo, login};

#[tokio::test]
async fn a_user_is_created_read_changed_and_disabled() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let body = json!({"email": "Ada@Demo.example", "name": "Ada King Lovelace", "role": "expert", "phone": "+44 20 7946 0123", "time_zone": "Europe/London", "password": PASSWORD});
    let created = admin.post("/api/v1/users", body).await.expect(201);
    let path = created.header("location").to_owned();
    assert_eq!(path, format!("/api/v1/users/{}", created.id()));
    assert_eq!(created.header("etag"), "\"1\"");
    let user = created.json();
    assert_eq!(user["email"], "ada@demo.example");
    assert_eq!(
        (&user["given_name"], &user["family_name"]),
        (&json!("Ada King"), &json!("Lovelace"))
    );
    assert_eq!(
        (&user["status"], &user["locale"]),
        (&json!("active"), &json!("en"))
    );
    assert_eq!(admin.get(&path).await.expect(200).json(), user);

    let changed = admin
        .put(
            &path,
            json!({"family_name": "Byron", "phone": null, "locale": "de"}),
        )
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&changed["name"], &changed["phone"], &changed["version"]),
        (&json!("Ada King Byron"), &Value::Null, &json!(2))
    );
    let same = admin
        .patch(&path, json!({"locale": "de"}))
        .await
        .expect(200)
        .json();
    assert_eq!(same["version"], 2);
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.updated.v1").await,
        1
    );
    assert_eq!(audited(&app, "identity.user.updated").await, 1);
    let mirrored = "select count(*) from access.people where display_name = 'Ada King Byron' and locale = 'de'";
    assert_eq!(count(&app, mirrored).await, 1);

    let tokens = login(&app, "ada@demo.example").await;
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect_problem(404, "not_found");
    admin.get(&path).await.expect_problem(404, "not_found");
    super::bearer(&app, &tokens)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.disabled.v1").await,
        1
    );
    let gone = admin
        .get(&format!("{path}?status=disabled"))
        .await
        .expect(200)
        .json();
    assert_eq!(gone["status"], "disabled");
    app.as_user(&tenant.manager)
        .get(&format!("{path}?status=disabled"))
        .await
        .expect_problem(404, "not_found");
    let back = admin
        .put(
            &format!("{path}?status=disabled"),
            json!({"status": "active"}),
        )
        .await
        .expect(200)
        .json();
    assert_eq!(back["status"], "active");
    login(&app, "ada@demo.example").await;
}

#[tokio::test]
async fn an_address_is_unique_per_tenant() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let body = json!({"email": "CUSTOMER@demo.example", "name": "Some One"});
    admin
        .post("/api/v1/users", body)
        .await
        .expect_problem(409, "email_taken");
    let path = format!("/api/v1/users/{}", tenant.customer.id);
    admin
        .put(&path, json!({"email": "expert@demo.example"}))
        .await
        .expect_problem(409, "email_taken");
    let other = app.tenant("other").await;
    let body = json!({"email": "customer@demo.example", "name": "Some One"});
    app.as_user(&other.admin)
        .post("/api/v1/users", body)
        .await
        .expect(201);
}

#[tokio::test]
async fn a_repeated_post_creates_one_user() {
    let (app, tenant) = demo().await;
    let body = json!({"email": "ada@demo.example", "name": "Ada", "password": PASSWORD});
    let client = app.as_user(&tenant.admin).with("idempotency-key", "k1");
    let first = client.post("/api/v1/users", body.clone()).await.expect(201);
    let again = client.post("/api/v1/users", body).await.expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn users_of_another_tenant_are_not_found() {
    let (app, tenant) = demo().await;
    let other = app.tenant("other").await;
    let admin = app.as_user(&other.admin);
    let path = format!("/api/v1/users/{}", tenant.customer.id);
    let foreign = admin.get(&path).await.expect_problem(404, "not_found");
    let missing = admin
        .get(&format!(
            "/api/v1/users/{}",
            ids::UserId::at(app.clock.now())
        ))
        .await
        .expect_problem(404, "not_found");
    assert_eq!(foreign["detail"], missing["detail"]);
    admin
        .put(&path, json!({"name": "Mine"}))
        .await
        .expect_problem(404, "not_found");
    admin.delete(&path).await.expect_problem(404, "not_found");
    admin
        .get(&format!("{path}/expertise"))
        .await
        .expect_problem(404, "not_found");
    admin
        .put(&format!("{path}/expertise"), json!({"items": []}))
        .await
        .expect_problem(404, "not_found");
    admin
        .get("/api/v1/users/not-an-id")
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_stale_version_is_refused() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", "ada@demo.example").await;
    let path = format!("/api/v1/users/{id}");
    let admin = app.as_user(&tenant.admin);
    let put = |tag: &str, name: &str| {
        admin
            .call(http::Method::PUT, &path)
            .header("if-match", tag)
            .json(&json!({"name": name}))
            .send()
    };
    put("\"1\"", "A B").await.expect(200);
    put("\"1\"", "C D")
        .await
        .expect_problem(412, "precondition_failed");
    put("*", "E F").await.expect(200);
}

#[tokio::test]
async fn disabling_requires_the_current_version() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let id = add(&app, &tenant, "customer", "ada@demo.example").await;
    let path = format!("/api/v1/users/{id}");
    admin
        .put(&path, json!({"role": "expert"}))
        .await
        .expect(200);
    admin
        .clone()
        .with("if-match", "\"1\"")
        .delete(&path)
        .await
        .expect_problem(412, "precondition_failed");
    admin
        .with("if-match", "\"2\"")
        .delete(&path)
        .await
        .expect(204);
}

#[tokio::test]
async fn the_idempotency_record_does_not_help_to_guess_the_password() {
    let (app, tenant) = demo().await;
    let body = json!({"email": "ada@demo.example", "name": "Ada", "password": PASSWORD});
    app.as_user(&tenant.admin)
        .with("idempotency-key", "k1")
        .post("/api/v1/users", body.clone())
        .await
        .expect(201);
    let kept: Vec<u8> = sqlx::query_scalar("select fingerprint from access.idempotency_keys")
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap();
    assert_eq!(kept.len(), 32);
    assert_ne!(kept, access::opaque::sha256(body.to_string().as_bytes()));
}

use serde_json::{Value, json};

use crate::{actions, app, wrong_fields};

const PATH: &str = "/api/v1/api-keys";

#[tokio::test]
async fn a_key_is_shown_once_and_accepted_in_both_headers() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let body = json!({"name": "Sheets", "scopes": ["tenancy.audit.read", "tenancy.settings.read"]});
    let answer = admin
        .clone()
        .with("idempotency-key", "k1")
        .post(PATH, body.clone())
        .await
        .expect(201);
    let created = answer.json();
    let key = created["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("rvz_live_"));
    assert_eq!(answer.header("location"), format!("{PATH}/{}", answer.id()));
    assert_eq!(
        created["created_by"],
        json!({"kind": "user", "id": demo.admin.id})
    );

    let replay = admin
        .clone()
        .with("idempotency-key", "k1")
        .post(PATH, body)
        .await
        .expect(201);
    assert_eq!(replay.header("idempotent-replayed"), "true");
    assert_eq!(replay.json()["key"], Value::Null);
    assert_eq!(replay.id(), answer.id());
    let list = admin.get(PATH).await.expect(200);
    assert!(!list.text().contains(&key));
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
    let kept: Vec<String> =
        sqlx::query_scalar("select body from access.idempotency_keys where body is not null")
            .fetch_all(&mut app.admin().await)
            .await
            .unwrap();
    assert!(kept.iter().all(|body| !body.contains(&key)));

    app.anonymous()
        .with("x-api-key", &key)
        .get("/api/v1/audit-log")
        .await
        .expect(200);
    let bearer = app.anonymous().bearer(&key);
    bearer
        .get(&format!("/api/v1/tenants/{}/settings", demo.id))
        .await
        .expect(200);
    bearer.get(PATH).await.expect_problem(403, "forbidden");
    let used = admin
        .get(&format!("{PATH}/{}", answer.id()))
        .await
        .expect(200)
        .json();
    assert_eq!(used["last_used_at"], "2026-11-20T10:00:00Z");
    assert_eq!(used["version"], 1);
}

#[tokio::test]
async fn malformed_keys_are_refused() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let key = admin
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read"]}))
        .await
        .expect(201)
        .json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut typo = key.clone();
    typo.replace_range(20..21, if &key[20..21] == "0" { "1" } else { "0" });
    for (header, value) in [
        ("authorization", key.clone()),
        ("authorization", format!("Basic {key}")),
        ("authorization", format!("ApiKey {key}")),
        ("x-api-key", format!("Bearer {key}")),
        ("x-api-key", typo),
        ("x-api-key", key[..key.len() - 1].to_owned()),
        ("x-api-key", key.to_uppercase()),
        ("x-api-key", String::new()),
    ] {
        let refused = app
            .anonymous()
            .with(header, &value)
            .get("/api/v1/audit-log")
            .await;
        assert!(
            refused.header("www-authenticate").starts_with("Bearer"),
            "{header}: {value}"
        );
        refused.expect_problem(401, "unauthenticated");
    }
    // Two credentials in one request are ambiguous.
    admin
        .with("x-api-key", &key)
        .get("/api/v1/audit-log")
        .await
        .expect_problem(400, "several_credentials");
    // Only people can switch to other tenants.
    let other = app.tenant("other").await;
    let client = app
        .anonymous()
        .with("x-api-key", &key)
        .with("x-tenant-id", &other.id.to_string())
        .with("x-reason", "curious");
    client
        .get(&format!("/api/v1/tenants/{}", other.id))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_key_cannot_exceed_the_permissions_of_its_creator() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let refused = admin
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read", "tenancy.tenant.create", "tenancy.license.update"]}))
        .await
        .expect_problem(403, "scope_exceeds_permissions");
    assert_eq!(
        refused["scopes"],
        json!(["tenancy.tenant.create", "tenancy.license.update"])
    );
    assert_eq!(
        wrong_fields(
            admin
                .post(
                    PATH,
                    json!({"name": "k", "scopes": ["tenancy.audit.read", "tenancy.audit.write"]})
                )
                .await
        ),
        ["/scopes/1 unknown_permission"]
    );
    // Staff permissions cannot be given to a key.
    let staff = app
        .as_user(&app.superadmin().await)
        .with("x-tenant-id", &demo.id.to_string())
        .with("x-reason", "setting up");
    staff
        .post(
            PATH,
            json!({"name": "k", "scopes": ["tenancy.feature.update"]}),
        )
        .await
        .expect_problem(403, "scope_exceeds_permissions");
    let made = staff
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read"]}))
        .await
        .expect(201)
        .json();
    assert_eq!(made["created_by"]["kind"], "superadmin");

    // A leaked key must not make itself a successor.
    let maker = app
        .key(
            demo.id,
            &[
                "tenancy.api_key.create",
                "tenancy.api_key.update",
                "tenancy.audit.read",
            ],
        )
        .await;
    let child = json!({"name": "child", "scopes": ["tenancy.audit.read"]});
    maker
        .post(PATH, child)
        .await
        .expect_problem(403, "not_a_person");
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    maker
        .patch(&path, json!({"expires_at": null}))
        .await
        .expect_problem(403, "not_a_person");
    maker
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .expect_problem(403, "not_a_person");
    let weak = app.key(demo.id, &["tenancy.api_key.read"]).await;
    weak.get(PATH).await.expect(200);
    weak.post(
        PATH,
        json!({"name": "k", "scopes": ["tenancy.api_key.read"]}),
    )
    .await
    .expect_problem(403, "forbidden");
    weak.delete(&format!("{PATH}/{}", made["id"].as_str().unwrap()))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_scope_requires_the_permission_for_all_resources() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    sqlx::query("update access.roles set permissions = permissions || '{\"tenancy.audit.read\": \"own\"}' where tenant_id = $1 and name = 'admin'")
        .bind(demo.id)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    app.as_user(&demo.admin)
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read"]}))
        .await
        .expect_problem(403, "scope_exceeds_permissions");
}

#[tokio::test]
async fn a_revoked_key_is_refused_immediately_and_not_found() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let admin = app.as_user(&demo.admin);
    let created = admin
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read"]}))
        .await
        .expect(201)
        .json();
    let path = format!("{PATH}/{}", created["id"].as_str().unwrap());
    let caller = app
        .anonymous()
        .with("x-api-key", created["key"].as_str().unwrap());
    caller.get("/api/v1/audit-log").await.expect(200);
    // The key is not found in another tenant.
    app.as_user(&other.admin)
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    app.as_user(&other.admin)
        .delete(&path)
        .await
        .expect_problem(404, "not_found");
    caller.get("/api/v1/audit-log").await.expect(200);
    app.clock.advance(std::time::Duration::from_secs(1));
    admin.delete(&path).await.expect(204);
    caller
        .get("/api/v1/audit-log")
        .await
        .expect_problem(401, "unauthenticated");
    admin.delete(&path).await.expect_problem(404, "not_found");
    admin.get(&path).await.expect_problem(404, "not_found");
    assert!(
        admin.get(PATH).await.expect(200).json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        actions(&admin).await,
        ["tenancy.api_key.created", "tenancy.api_key.revoked"]
    );
    let events: Vec<String> = sqlx::query_scalar(
        "select type from events.outbox where tenant_id = $1 order by aggregate_version",
    )
    .bind(demo.id)
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    assert_eq!(
        events,
        [
            "de.revalenz.tenancy.api_key.created.v1",
            "de.revalenz.tenancy.api_key.revoked.v1"
        ]
    );
}

#[tokio::test]
async fn a_key_expires_on_time() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let body =
        |end: &str| json!({"name": "k", "scopes": ["tenancy.audit.read"], "expires_at": end});
    assert_eq!(
        wrong_fields(admin.post(PATH, body("2026-11-20T10:00:00Z")).await),
        ["/expires_at in_the_past"]
    );
    let created = admin
        .post(PATH, body("2026-11-20T10:01:00Z"))
        .await
        .expect(201)
        .json();
    let caller = app
        .anonymous()
        .with("x-api-key", created["key"].as_str().unwrap());
    caller.get("/api/v1/audit-log").await.expect(200);
    app.clock.advance(std::time::Duration::from_mins(1));
    caller
        .get("/api/v1/audit-log")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_key_works_only_from_its_ip_ranges() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let body = json!({"name": "k", "scopes": ["tenancy.audit.read"], "ip_ranges": ["203.0.113.7/24", "2001:db8::1"]});
    let created = admin.post(PATH, body).await.expect(201).json();
    assert_eq!(
        created["ip_ranges"],
        json!(["203.0.113.0/24", "2001:db8::1/128"])
    );
    let caller = app
        .anonymous()
        .with("x-api-key", created["key"].as_str().unwrap());
    for (address, status) in [
        ("203.0.113.200", 200),
        ("2001:db8::1", 200),
        ("203.0.114.1", 401),
        ("2001:db8::2", 401),
    ] {
        let call = caller
            .call(http::Method::GET, "/api/v1/audit-log")
            .from_address(address);
        call.send().await.expect(status);
    }
    // A header does not change the client address.
    let forged = caller
        .call(http::Method::GET, "/api/v1/audit-log")
        .header("x-forwarded-for", "203.0.113.7");
    forged
        .from_address("198.51.100.1")
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(
        wrong_fields(admin.post(PATH, json!({"name": "", "scopes": [], "ip_ranges": ["here", "::1", "::1/128"], "key": "mine"})).await),
        ["/ip_ranges/0 invalid_format", "/ip_ranges/2 duplicate", "/key unknown_field", "/name too_short", "/scopes too_short"]
    );
}

#[tokio::test]
async fn keys_are_listed_page_by_page() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let admin = app.as_user(&demo.admin);
    for name in ["one", "two", "three"] {
        app.clock.advance(std::time::Duration::from_millis(5));
        admin
            .post(
                PATH,
                json!({"name": name, "scopes": ["tenancy.audit.read"]}),
            )
            .await
            .expect(201);
    }
    let first = admin
        .get(&format!("{PATH}?limit=2"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&first["items"][0]["name"], &first["items"][1]["name"]),
        (&json!("three"), &json!("two"))
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = admin
        .get(&format!("{PATH}?limit=2&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    app.as_user(&other.admin)
        .get(&format!("{PATH}?cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_cursor");
}

use serde_json::{Value, json};

use crate::{actions, stage, wrong_fields};

const PATH: &str = "/api/v1/api-keys";

#[tokio::test]
async fn a_key_is_shown_once_and_works_in_either_header() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
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
            .fetch_all(&mut stage.admin().await)
            .await
            .unwrap();
    assert!(kept.iter().all(|body| !body.contains(&key)));

    stage
        .stranger()
        .with("x-api-key", &key)
        .get("/api/v1/audit-log")
        .await
        .expect(200);
    let bearer = stage.stranger().bearer(&key);
    bearer
        .get(&format!("/api/v1/tenants/{}/settings", demo.id))
        .await
        .expect(200);
    bearer.get(PATH).await.refused(403, "forbidden");
    let used = admin
        .get(&format!("{PATH}/{}", answer.id()))
        .await
        .expect(200)
        .json();
    assert_eq!(used["last_used_at"], "2026-11-20T10:00:00Z");
    assert_eq!(used["version"], 1);
}

#[tokio::test]
async fn a_key_in_a_wrong_form_is_no_key() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
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
        let refused = stage
            .stranger()
            .with(header, &value)
            .get("/api/v1/audit-log")
            .await;
        assert!(
            refused.header("www-authenticate").starts_with("Bearer"),
            "{header}: {value}"
        );
        refused.refused(401, "unauthenticated");
    }
    // Two credentials: which counts must not be guessed.
    admin
        .with("x-api-key", &key)
        .get("/api/v1/audit-log")
        .await
        .refused(400, "several_credentials");
    // Staff's way into other tenants is for people.
    let other = stage.tenant("other").await;
    let client = stage
        .stranger()
        .with("x-api-key", &key)
        .with("x-tenant-id", &other.id.to_string())
        .with("x-reason", "curious");
    client
        .get(&format!("/api/v1/tenants/{}", other.id))
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn nobody_gives_a_key_more_than_they_have() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
    let refused = admin
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read", "tenancy.tenant.create", "tenancy.license.update"]}))
        .await
        .refused(403, "scope_exceeds_permissions");
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
    // Staff has more, and still may not leave it behind in a key.
    let staff = stage
        .as_(&stage.superadmin().await)
        .with("x-tenant-id", &demo.id.to_string())
        .with("x-reason", "setting up");
    staff
        .post(
            PATH,
            json!({"name": "k", "scopes": ["tenancy.feature.update"]}),
        )
        .await
        .refused(403, "scope_exceeds_permissions");
    let made = staff
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read"]}))
        .await
        .expect(201)
        .json();
    assert_eq!(made["created_by"]["kind"], "superadmin");

    // A key that may make keys gives at most what it has itself.
    let maker = stage
        .key(demo.id, &["tenancy.api_key.create", "tenancy.audit.read"])
        .await;
    let child = maker
        .post(
            PATH,
            json!({"name": "child", "scopes": ["tenancy.audit.read"]}),
        )
        .await
        .expect(201)
        .json();
    assert_eq!(child["created_by"]["kind"], "api_key");
    let refused = maker
        .post(
            PATH,
            json!({"name": "child", "scopes": ["tenancy.api_key.revoke"]}),
        )
        .await
        .refused(403, "scope_exceeds_permissions");
    assert_eq!(refused["scopes"], json!(["tenancy.api_key.revoke"]));
    let weak = stage.key(demo.id, &["tenancy.api_key.read"]).await;
    weak.get(PATH).await.expect(200);
    weak.post(
        PATH,
        json!({"name": "k", "scopes": ["tenancy.api_key.read"]}),
    )
    .await
    .refused(403, "forbidden");
    weak.delete(&format!("{PATH}/{}", made["id"].as_str().unwrap()))
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn a_reach_that_is_not_everything_is_not_enough_for_a_scope() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    sqlx::query("update access.roles set permissions = permissions || '{\"tenancy.audit.read\": \"own\"}' where tenant_id = $1 and name = 'admin'")
        .bind(demo.id)
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    stage
        .as_(&demo.admin)
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read"]}))
        .await
        .refused(403, "scope_exceeds_permissions");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_gone() {
    let stage = stage().await;
    let (demo, other) = (stage.tenant("demo").await, stage.tenant("other").await);
    let admin = stage.as_(&demo.admin);
    let created = admin
        .post(PATH, json!({"name": "k", "scopes": ["tenancy.audit.read"]}))
        .await
        .expect(201)
        .json();
    let path = format!("{PATH}/{}", created["id"].as_str().unwrap());
    let caller = stage
        .stranger()
        .with("x-api-key", created["key"].as_str().unwrap());
    caller.get("/api/v1/audit-log").await.expect(200);
    // Another tenant's admin finds nothing to revoke.
    stage
        .as_(&other.admin)
        .get(&path)
        .await
        .refused(404, "not_found");
    stage
        .as_(&other.admin)
        .delete(&path)
        .await
        .refused(404, "not_found");
    caller.get("/api/v1/audit-log").await.expect(200);
    stage.clock.advance(std::time::Duration::from_secs(1));
    admin.delete(&path).await.expect(204);
    caller
        .get("/api/v1/audit-log")
        .await
        .refused(401, "unauthenticated");
    admin.delete(&path).await.refused(404, "not_found");
    admin.get(&path).await.refused(404, "not_found");
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
    .fetch_all(&mut stage.admin().await)
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
async fn a_key_ends_at_its_hour() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
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
    let caller = stage
        .stranger()
        .with("x-api-key", created["key"].as_str().unwrap());
    caller.get("/api/v1/audit-log").await.expect(200);
    stage.clock.advance(std::time::Duration::from_mins(1));
    caller
        .get("/api/v1/audit-log")
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_key_calls_only_from_where_it_may() {
    let stage = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
    let body = json!({"name": "k", "scopes": ["tenancy.audit.read"], "ip_ranges": ["203.0.113.7/24", "2001:db8::1"]});
    let created = admin.post(PATH, body).await.expect(201).json();
    assert_eq!(
        created["ip_ranges"],
        json!(["203.0.113.0/24", "2001:db8::1/128"])
    );
    let caller = stage
        .stranger()
        .with("x-api-key", created["key"].as_str().unwrap());
    for (address, status) in [
        ("203.0.113.200", 200),
        ("2001:db8::1", 200),
        ("203.0.114.1", 401),
        ("2001:db8::2", 401),
    ] {
        let call = caller
            .call(http::Method::GET, "/api/v1/audit-log")
            .coming_from(address);
        call.send().await.expect(status);
    }
    // A header is not an address.
    let forged = caller
        .call(http::Method::GET, "/api/v1/audit-log")
        .header("x-forwarded-for", "203.0.113.7");
    forged
        .coming_from("198.51.100.1")
        .send()
        .await
        .refused(401, "unauthenticated");
    assert_eq!(
        wrong_fields(admin.post(PATH, json!({"name": "", "scopes": [], "ip_ranges": ["here", "::1", "::1/128"], "key": "mine"})).await),
        ["/ip_ranges/0 invalid_format", "/ip_ranges/2 duplicate", "/key unknown_field", "/name too_short", "/scopes too_short"]
    );
}

#[tokio::test]
async fn keys_are_listed_page_by_page() {
    let stage = stage().await;
    let (demo, other) = (stage.tenant("demo").await, stage.tenant("other").await);
    let admin = stage.as_(&demo.admin);
    for name in ["one", "two", "three"] {
        stage.clock.advance(std::time::Duration::from_millis(5));
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
    stage
        .as_(&other.admin)
        .get(&format!("{PATH}?cursor={cursor}"))
        .await
        .refused(400, "invalid_cursor");
}

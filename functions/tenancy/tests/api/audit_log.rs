use serde_json::{Value, json};

use crate::{actions, app, wrong_fields};

fn count(page: &Value) -> usize {
    page["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_log_is_filtered_by_actor_action_resource_and_time() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let second = app.person(demo.id, "admin", "second@demo.example").await;
    let key = admin
        .post(
            "/api/v1/api-keys",
            json!({"name": "k", "scopes": ["tenancy.audit.read"]}),
        )
        .await
        .expect(201)
        .id();
    app.clock.advance(std::time::Duration::from_mins(1));
    let tenant = format!("/api/v1/tenants/{}", demo.id);
    app.as_user(&second)
        .patch(&tenant, json!({"email": "office@demo.example"}))
        .await
        .expect(200);
    let get = async |query: &str| {
        admin
            .get(&format!("/api/v1/audit-log?{query}"))
            .await
            .expect(200)
            .json()
    };
    assert_eq!(count(&get("").await), 2);
    assert_eq!(count(&get(&format!("actor={}", second.id)).await), 1);
    assert_eq!(count(&get("action=tenancy.api_key").await), 1);
    assert_eq!(
        count(&get("action=tenancy.api").await),
        0,
        "whole words only"
    );
    assert_eq!(count(&get("resource=api_key").await), 1);
    assert_eq!(count(&get(&format!("resource=api_key/{key}")).await), 1);
    assert_eq!(
        count(&get(&format!("resource=api_key/{}", demo.id)).await),
        0
    );
    assert_eq!(count(&get("from=2026-11-20T10:01:00Z").await), 1);
    assert_eq!(count(&get("to=2026-11-20T11:01:00%2B01:00").await), 1);
    let entry = &get("action=tenancy.tenant.updated").await["items"][0];
    assert_eq!(
        entry["changes"],
        json!({"email": {"old": "d•••@example.org", "new": "o•••@demo.example"}})
    );
    assert_eq!(entry["resource"], json!({"kind": "tenant", "id": demo.id}));
    assert!(entry["request_id"].is_string());
}

#[tokio::test]
async fn the_log_is_paged_and_belongs_to_its_tenant() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let admin = app.as_user(&demo.admin);
    let path = format!("/api/v1/tenants/{}/settings", demo.id);
    for minimum in [11, 12, 13] {
        // The times are equal, so the IDs decide.
        admin
            .patch(&path, json!({"password_policy": {"min_length": minimum}}))
            .await
            .expect(200);
    }
    let first = admin
        .get("/api/v1/audit-log?limit=2")
        .await
        .expect(200)
        .json();
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let rest = admin
        .get(&format!("/api/v1/audit-log?limit=2&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_eq!((count(&first), count(&rest)), (2, 1));
    let mut ids: Vec<&Value> = [&first, &rest]
        .into_iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|e| &e["id"])
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let foreign = app.as_user(&other.admin);
    assert!(actions(&foreign).await.is_empty());
    foreign
        .get(&format!("/api/v1/audit-log?cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_cursor");
    admin
        .get(&format!("/api/v1/audit-log?action=x&cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn invalid_query_parameters_are_refused_by_name() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    for (query, named) in [
        ("actor=me", "/actor invalid_format"),
        ("from=yesterday", "/from invalid_format"),
        ("to=99999-01-01T00:00:00Z", "/to invalid_format"),
        ("limit=0", "/limit out_of_range"),
        ("limit=201", "/limit out_of_range"),
        ("limit=1&limit=2", "/limit duplicate"),
        ("action=a%00b", "/action invalid_characters"),
        ("who=me", "/who unknown_field"),
    ] {
        assert_eq!(
            wrong_fields(admin.get(&format!("/api/v1/audit-log?{query}")).await),
            [named],
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_log_is_append_only() {
    let app = app().await;
    let mut admin = app.admin().await;
    let others: Vec<String> = sqlx::query_scalar(
        "select grantee || ' ' || privilege_type from information_schema.role_table_grants
        where table_schema = 'access' and table_name = 'audit_log' and grantee like 'rvz\\_%' and privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE')
            and grantee not in ('rvz_owner', 'rvz_migrator')",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(others, Vec::<String>::new());
}

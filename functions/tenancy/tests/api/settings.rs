use serde_json::{Value, json};
use sqlx::Row;

use crate::{actions, app, wrong_fields};

#[tokio::test]
async fn settings_are_complete_and_list_the_overridden_keys() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let path = format!("/api/v1/tenants/{}/settings", demo.id);
    let before = admin.get(&path).await.expect(200).json();
    assert_eq!(before["settings"]["registration"], "open");
    assert_eq!(
        before["overridden"],
        json!(["locale"]),
        "the test tenant uses English"
    );
    let after = admin
        .patch(&path, json!({"registration": "invite", "branding": {"name": "Demo", "colour": "#1A7F5A"}, "session": {"idle_days": 7}}))
        .await
        .expect(200);
    assert_eq!(after.header("etag"), "\"2\"");
    let after = after.json();
    assert_eq!(
        after["overridden"],
        json!(["branding", "locale", "registration", "session"])
    );
    assert_eq!(
        after["settings"]["branding"],
        json!({"name": "Demo", "colour": "#1a7f5a", "logo_url": null})
    );
    assert_eq!(
        after["settings"]["session"],
        json!({"idle_days": 7, "absolute_days": 90})
    );
    assert_eq!(admin.get(&path).await.expect(200).json(), after);
    let stored: Value =
        sqlx::query_scalar("select settings from access.tenants where tenant_id = $1")
            .bind(demo.id)
            .fetch_one(&mut app.admin().await)
            .await
            .unwrap();
    assert_eq!(stored, after["settings"], "every function reads the same");

    let reset = admin
        .put(&path, json!({"registration": null, "branding": {"name": null}, "session": null, "locale": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(reset["overridden"], json!(["branding"]));
    assert_eq!(reset["settings"]["registration"], "open");
    assert_eq!(reset["settings"]["locale"], "de");
    let tenant = admin
        .get(&format!("/api/v1/tenants/{}", demo.id))
        .await
        .expect(200)
        .json();
    assert_eq!(tenant["locale"], "de", "one locale, two doors");
    assert_eq!(tenant["version"], 3);
}

#[tokio::test]
async fn each_change_is_audited_and_announced_with_old_and_new_values() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let path = format!("/api/v1/tenants/{}/settings", demo.id);
    admin
        .put(
            &path,
            json!({"registration": "closed", "password_policy": {"min_length": 12}}),
        )
        .await
        .expect(200);
    admin
        .put(&path, json!({"registration": "closed"}))
        .await
        .expect(200);
    assert_eq!(
        actions(&admin).await,
        ["tenancy.settings.updated"],
        "the second request changed nothing"
    );
    let log = admin.get("/api/v1/audit-log").await.expect(200).json();
    assert_eq!(
        log["items"][0]["changes"],
        json!({
            "registration": {"old": "open", "new": "closed"},
            "password_policy": {"old": {"min_length": 10}, "new": {"min_length": 12}},
        })
    );
    assert_eq!(
        log["items"][0]["actor"],
        json!({"kind": "user", "id": demo.admin.id})
    );
    let row =
        sqlx::query("select type, data, aggregate_version from events.outbox where tenant_id = $1")
            .bind(demo.id)
            .fetch_one(&mut app.admin().await)
            .await
            .unwrap();
    assert_eq!(
        row.get::<String, _>("type"),
        "de.revalenz.tenancy.tenant.updated.v1"
    );
    assert_eq!(row.get::<i64, _>("aggregate_version"), 2);
    assert_eq!(
        row.get::<Value, _>("data"),
        json!({"tenant_id": demo.id, "changed": ["settings.password_policy", "settings.registration"]})
    );
}

#[tokio::test]
async fn all_errors_of_settings_are_reported_at_once_and_nothing_changes() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let path = format!("/api/v1/tenants/{}/settings", demo.id);
    let body = json!({
        "registration": "maybe", "ticket_categories": ["bug", "Bug", "bug"], "branding": {"colour": "red"},
        "retention_days": {"audit": 1}, "theme": "dark", "mfa_required_roles": "admin",
    });
    assert_eq!(
        wrong_fields(admin.put(&path, body).await),
        [
            "/branding/colour invalid_format",
            "/mfa_required_roles wrong_type",
            "/registration not_one_of",
            "/retention_days/audit out_of_range",
            "/theme unknown_field",
            "/ticket_categories/1 invalid_format",
            "/ticket_categories/2 duplicate",
        ]
    );
    assert_eq!(
        wrong_fields(
            admin
                .put(&path, json!({"mfa_required_roles": ["admin", "wizard"]}))
                .await
        ),
        ["/mfa_required_roles/1 unknown_role"]
    );
    assert_eq!(
        wrong_fields(
            admin
                .put(&path, json!({"session": {"absolute_days": 5}}))
                .await
        ),
        ["/session/idle_days exceeds_absolute_days"]
    );
    assert_eq!(
        wrong_fields(admin.put(&path, json!({"ticket_categories": []})).await),
        ["/ticket_categories too_short"]
    );
    admin
        .put(&path, json!([]))
        .await
        .expect_problem(422, "validation_failed");
    let settings = admin.get(&path).await.expect(200).json();
    assert_eq!(settings["version"], 1);
    admin.put(&path, json!({"mfa_required_roles": ["admin", "manager"], "ticket_categories": ["haus", "gerät"]})).await.expect(200);
}

#[tokio::test]
async fn concurrent_changes_of_different_keys_are_all_kept() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let path = format!("/api/v1/tenants/{}/settings", demo.id);
    let bodies = [
        json!({"registration": "closed"}),
        json!({"branding": {"name": "Demo"}}),
        json!({"branding": {"colour": "#000000"}}),
        json!({"password_policy": {"min_length": 16}}),
    ];
    let tasks: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let (admin, path) = (admin.clone(), path.clone());
            // Retry after a lock timeout, as a client would.
            tokio::spawn(async move {
                loop {
                    let answer = admin.patch(&path, body.clone()).await;
                    if answer.status != 503 {
                        return answer;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().expect(200);
    }
    let after = admin.get(&path).await.expect(200).json();
    assert_eq!(after["version"], 5);
    assert_eq!(
        after["settings"]["branding"],
        json!({"name": "Demo", "colour": "#000000", "logo_url": null})
    );
    assert_eq!(after["settings"]["registration"], "closed");
    assert_eq!(after["settings"]["password_policy"]["min_length"], 16);
}

#[tokio::test]
async fn the_history_has_actor_old_and_new_values() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let admin = app.as_user(&demo.admin);
    let path = format!("/api/v1/tenants/{}/settings", demo.id);
    let history = format!("{path}/history");
    let first =
        json!({"sla": {"first_response_hours": {"high": 4}}, "sign_in": {"providers": ["google"]}});
    admin.patch(&path, first).await.expect(200);
    app.clock.advance(std::time::Duration::from_mins(1));
    let staff = crate::staff(&app).await;
    staff
        .patch(&path, json!({"sign_in": null}))
        .await
        .expect(200);
    let page = admin
        .get(&format!("{history}?limit=1"))
        .await
        .expect(200)
        .json();
    let entry = &page["items"][0];
    assert_eq!(entry["actor"]["kind"], "superadmin");
    assert_eq!(entry["reason"], "ticket 4711");
    assert_eq!(
        entry["changes"],
        json!({"sign_in": {"old": {"providers": ["google"]}, "new": {"providers": null}}})
    );
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = admin
        .get(&format!("{history}?limit=1&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    let entry = &page["items"][0];
    assert_eq!(entry["actor"], json!({"kind": "user", "id": demo.admin.id}));
    assert_eq!(
        entry["changes"]["sla"]["old"]["first_response_hours"]["high"],
        8
    );
    assert_eq!(
        entry["changes"]["sla"]["new"]["first_response_hours"]["high"],
        4
    );
    assert_eq!(page["next_cursor"], Value::Null);
    app.as_user(&other.admin)
        .get(&history)
        .await
        .expect_problem(404, "not_found");
    app.as_user(&demo.manager)
        .get(&history)
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn platform_settings_are_inherited_unless_overridden() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let own = |tenant: &testkit::TestTenant| format!("/api/v1/tenants/{}/settings", tenant.id);
    let (path, admin) = ("/api/v1/platform-settings", app.as_user(&demo.admin));
    admin.get(path).await.expect_problem(403, "forbidden");
    admin
        .patch(path, json!({"magic_link": false}))
        .await
        .expect_problem(403, "forbidden");
    admin
        .patch(&own(&demo), json!({"session": {"idle_days": 3}}))
        .await
        .expect(200);
    let staff = crate::staff(&app).await;
    let abroad = staff.clone().with("x-tenant-id", &demo.id.to_string());
    abroad
        .patch(path, json!({"magic_link": false}))
        .await
        .expect_problem(404, "not_found");
    assert_eq!(
        wrong_fields(
            staff
                .patch(
                    path,
                    json!({"locale": "en", "mfa_required_roles": ["admin", "night shift"]})
                )
                .await
        ),
        [
            "/locale of_the_tenant",
            "/mfa_required_roles/1 unknown_role"
        ]
    );
    let change = json!({"session": {"idle_days": 7, "absolute_days": 60}, "magic_link": false});
    let changed = staff.patch(path, change).await.expect(200).json();
    assert_eq!(changed["overridden"], json!(["magic_link", "session"]));
    let job = async || crate::run_job(&app, "inherit-settings").await["tenants"].clone();
    // Both tenants, and the platform's own.
    assert_eq!(job().await, 3);
    assert_eq!(job().await, 0, "who has it has it");
    for (tenant, idle) in [(&demo, 3), (&other, 7)] {
        let read = app
            .as_user(&tenant.admin)
            .get(&own(tenant))
            .await
            .expect(200)
            .json();
        assert_eq!(
            read["settings"]["session"],
            json!({"idle_days": idle, "absolute_days": 60})
        );
        assert_eq!(read["settings"]["magic_link"], false);
        let stored: Value =
            sqlx::query_scalar("select settings from access.tenants where tenant_id = $1")
                .bind(tenant.id)
                .fetch_one(&mut app.admin().await)
                .await
                .unwrap();
        assert_eq!(stored, read["settings"], "every function reads the same");
    }
    let log = actions(&app.as_user(&app.superadmin().await)).await;
    assert!(log.contains(&"tenancy.platform_settings.updated".to_owned()));
}

use db::LockProbe;
use ids::TenantId;
use serde_json::{Value, json};
use sqlx::Row;
use testkit::{Person, TestApp};

use crate::{actions, app, new_tenant, staff, wrong_fields};

#[tokio::test]
async fn an_admin_reads_and_updates_only_their_own_tenant() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let admin = app.as_user(&demo.admin);
    let list = admin.get("/api/v1/tenants").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["slug"], "demo");
    assert_eq!(list["next_cursor"], Value::Null);
    let own = admin
        .get(&format!("/api/v1/tenants/{}", demo.id))
        .await
        .expect(200);
    assert_eq!(own.header("etag"), "\"1\"");

    let missing = TenantId::at(app.clock.now());
    for path in ["", "/settings", "/features"] {
        let foreign = admin
            .get(&format!("/api/v1/tenants/{}{path}", other.id))
            .await
            .expect_problem(404, "not_found");
        let unknown = admin
            .get(&format!("/api/v1/tenants/{missing}{path}"))
            .await
            .expect_problem(404, "not_found");
        assert_eq!(foreign["detail"], unknown["detail"]);
    }
    for (path, body) in [
        ("", json!({"name": "Mine"})),
        ("", json!({"max_users": 1})),
        ("/settings", json!({"registration": "closed"})),
    ] {
        for id in [other.id, missing] {
            let path = format!("/api/v1/tenants/{id}{path}");
            admin
                .put(&path, body.clone())
                .await
                .expect_problem(404, "not_found");
            admin
                .patch(&path, body.clone())
                .await
                .expect_problem(404, "not_found");
        }
    }
    admin
        .get("/api/v1/tenants/not-an-id")
        .await
        .expect_problem(404, "not_found");
    let updated = admin
        .patch(&format!("/api/v1/tenants/{}", demo.id), json!({"name": "Demo AG", "email": "NEW@demo.example", "locale": "de", "time_zone": "Europe/Vienna"}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&updated["name"], &updated["email"]),
        (&json!("Demo AG"), &json!("new@demo.example"))
    );
    assert_eq!(updated["version"], 2);
    let stored = sqlx::query("select name, locale, time_zone, settings ->> 'locale' as setting from access.tenants where tenant_id = $1")
        .bind(demo.id)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap();
    assert_eq!(stored.get::<String, _>("name"), "Demo AG");
    assert_eq!(stored.get::<String, _>("locale"), "de");
    assert_eq!(stored.get::<String, _>("setting"), "de");
    assert_eq!(stored.get::<String, _>("time_zone"), "Europe/Vienna");
}

#[tokio::test]
async fn only_admins_read_the_tenant() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    for person in [&demo.manager, &demo.expert, &demo.customer] {
        let client = app.as_user(person);
        for path in [
            "/tenants",
            &format!("/tenants/{}", demo.id),
            &format!("/tenants/{}/settings", demo.id),
            &format!("/tenants/{}/features", demo.id),
            "/api-keys",
            "/audit-log",
        ] {
            client
                .get(&format!("/api/v1{path}"))
                .await
                .expect_problem(403, "forbidden");
        }
        client
            .put(&format!("/api/v1/tenants/{}", demo.id), json!({}))
            .await
            .expect_problem(403, "forbidden");
        client.get("/api/v1/features").await.expect(200);
    }
    app.anonymous()
        .get("/api/v1/features")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn only_staff_changes_what_is_agreed_with_the_platform() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let path = format!("/api/v1/tenants/{}", demo.id);
    let refused = app
        .as_user(&demo.admin)
        .put(
            &path,
            json!({"name": "More", "max_users": 5000, "domain": "demo.example"}),
        )
        .await
        .expect_problem(403, "forbidden");
    assert_eq!(refused["fields"], json!(["domain", "max_users"]));
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("tenancy.license.update")
    );
    let staff = staff(&app).await;
    let seats = staff
        .patch(&path, json!({"max_users": 30}))
        .await
        .expect(200)
        .json();
    assert_eq!(seats["max_users"], 30);
    app.clock.advance(std::time::Duration::from_mins(1));
    staff
        .patch(
            &path,
            json!({"license_type": "enterprise", "domain": "demo.example"}),
        )
        .await
        .expect(200);
    let licences = sqlx::query("select plan, seats, valid_to is null as in_force from tenancy.licenses where tenant_id = $1 order by valid_from")
        .bind(demo.id)
        .fetch_all(&mut app.admin().await)
        .await
        .unwrap();
    let licences: Vec<_> = licences
        .iter()
        .map(|row| {
            (
                row.get::<String, _>("plan"),
                row.get::<i32, _>("seats"),
                row.get::<bool, _>("in_force"),
            )
        })
        .collect();
    assert_eq!(
        licences,
        [
            ("standard".to_owned(), 30, false),
            ("enterprise".to_owned(), 30, true)
        ]
    );
    let projected = projected(&app, demo.id).await;
    assert_eq!(projected, (30, json!(1_099_511_627_776_i64)));
    let cleared = staff
        .patch(&path, json!({"domain": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(cleared["domain"], Value::Null);
}

async fn projected(app: &TestApp, tenant: TenantId) -> (i32, Value) {
    let row = sqlx::query("select max_users, limits from access.tenants where tenant_id = $1")
        .bind(tenant)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap();
    (
        row.get("max_users"),
        row.get::<Value, _>("limits")["storage_bytes"].clone(),
    )
}

#[tokio::test]
async fn read_only_fields_cannot_be_written() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let body = json!({"id": demo.id, "slug": "new", "status": "closed", "version": 9, "region": "us", "currency": "USD", "name": null});
    let staff = staff(&app).await;
    assert_eq!(
        wrong_fields(
            staff
                .put(&format!("/api/v1/tenants/{}", demo.id), body)
                .await
        ),
        [
            "/currency unknown_field",
            "/id unknown_field",
            "/name null",
            "/region unknown_field",
            "/slug unknown_field",
            "/status unknown_field",
            "/version unknown_field"
        ]
    );
}

#[tokio::test]
async fn the_last_write_wins_without_if_match() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let path = format!("/api/v1/tenants/{}", demo.id);
    admin.put(&path, json!({"name": "One"})).await.expect(200);
    let outdated = admin.clone().with("if-match", "\"1\"");
    let refused = outdated
        .put(&path, json!({"name": "Two"}))
        .await
        .expect_problem(412, "precondition_failed");
    assert_eq!(refused["current_version"], 2);
    outdated
        .put(
            &format!("{path}/settings"),
            json!({"registration": "closed"}),
        )
        .await
        .expect_problem(412, "precondition_failed");
    let fresh = admin.clone().with("if-match", "\"2\"");
    fresh.put(&path, json!({"name": "Two"})).await.expect(200);
    let unchanged = admin.put(&path, json!({"name": "Two"})).await.expect(200);
    assert_eq!(
        unchanged.header("etag"),
        "\"3\"",
        "an update without changes keeps the version"
    );
    admin
        .clone()
        .with("if-none-match", "\"3\"")
        .get(&path)
        .await
        .expect(304);
}

#[tokio::test]
async fn staff_reads_are_recorded_in_the_log_of_the_tenant() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let person: Person = app.superadmin().await;
    let staff = app.as_user(&person).with("x-reason", "ticket 4711");
    let list = staff.get("/api/v1/tenants").await.expect(200).json();
    assert_eq!(
        list["items"].as_array().unwrap().len(),
        2,
        "demo and revalenz"
    );
    let path = format!("/api/v1/tenants/{}", demo.id);
    staff.get(&path).await.expect(200);
    staff.get(&format!("{path}/settings")).await.expect(200);
    staff
        .patch(&path, json!({"name": "Demo II"}))
        .await
        .expect(200);
    let log = app
        .as_user(&demo.admin)
        .get("/api/v1/audit-log")
        .await
        .expect(200)
        .json();
    let mut seen: Vec<String> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            assert_eq!(
                entry["actor"],
                json!({"kind": "superadmin", "id": person.id})
            );
            assert_eq!(entry["reason"], "ticket 4711");
            format!(
                "{} {}",
                entry["action"].as_str().unwrap(),
                entry["resource"]["kind"].as_str().unwrap()
            )
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            "tenancy.tenant.read_by_superadmin settings",
            "tenancy.tenant.read_by_superadmin tenant",
            "tenancy.tenant.updated tenant"
        ]
    );
    assert_eq!(actions(&staff).await, ["tenancy.tenant.listed"]);
}

#[tokio::test]
async fn staff_that_switches_tenant_states_a_reason_and_works_on_it_alone() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let staff = app
        .as_user(&app.superadmin().await)
        .with("x-tenant-id", &demo.id.to_string());
    staff
        .get("/api/v1/tenants")
        .await
        .expect_problem(400, "reason_required");
    let staff = staff.with("x-reason", "asked by phone");
    let list = staff.get("/api/v1/tenants").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["slug"], "demo");
    staff
        .get(&format!("/api/v1/tenants/{}", other.id))
        .await
        .expect_problem(404, "not_found");
    staff
        .put(
            &format!("/api/v1/tenants/{}/settings", demo.id),
            json!({"registration": "closed"}),
        )
        .await
        .expect(200);
    let log = actions(&app.as_user(&demo.admin)).await;
    let entered = "access.tenant.entered";
    assert_eq!(log, [entered, entered, entered, "tenancy.settings.updated"]);
    // For everyone else the headers are ignored.
    let admin = app
        .as_user(&demo.admin)
        .with("x-tenant-id", &other.id.to_string())
        .with("x-reason", "curious");
    admin
        .get(&format!("/api/v1/tenants/{}", other.id))
        .await
        .expect_problem(404, "not_found");
    admin
        .get(&format!("/api/v1/tenants/{}", demo.id))
        .await
        .expect(200);
}

#[tokio::test]
async fn the_list_of_all_tenants_is_filtered_and_paged() {
    let app = app().await;
    let staff = app.as_user(&app.superadmin().await);
    for slug in ["alpha", "beta", "gamma"] {
        app.clock.advance(std::time::Duration::from_secs(1));
        staff
            .post("/api/v1/tenants", new_tenant(slug))
            .await
            .expect(201);
    }
    let slugs = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tenant| tenant["slug"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = staff
        .get("/api/v1/tenants?limit=2")
        .await
        .expect(200)
        .json();
    assert_eq!(slugs(&first), ["gamma", "beta"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = staff
        .get(&format!("/api/v1/tenants?limit=2&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_eq!(slugs(&second), ["alpha", "revalenz"]);
    assert_eq!(second["next_cursor"], Value::Null);
    staff
        .get(&format!("/api/v1/tenants?limit=2&q=a&cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_cursor");
    let found = staff
        .get("/api/v1/tenants?q=BETA%20gm&status=active")
        .await
        .expect(200)
        .json();
    assert_eq!(slugs(&found), ["beta"]);
    let none = staff
        .get("/api/v1/tenants?q=%25&status=trial")
        .await
        .expect(200)
        .json();
    assert!(slugs(&none).is_empty());
    assert_eq!(
        wrong_fields(staff.get("/api/v1/tenants?status=gone").await),
        ["/status not_one_of"]
    );
    assert_eq!(
        wrong_fields(staff.get("/api/v1/tenants?order=up").await),
        ["/order unknown_field"]
    );
    let demo = app.tenant("demo").await;
    app.as_user(&demo.admin)
        .get(&format!("/api/v1/tenants?cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn row_level_security_and_the_where_clause_each_isolate_tenants() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let owner = app.as_user(&demo.admin);
    let body = json!({"name": "k", "scopes": ["tenancy.audit.read"]});
    let key = owner
        .post("/api/v1/api-keys", body.clone())
        .await
        .expect(201)
        .id();
    for (bound, setting) in [(demo.id, other.id), (other.id, demo.id)] {
        let probe = LockProbe {
            attacker: other.id,
            bound,
            setting,
        };
        let attacker = app.with_locks(app.as_user(&other.admin), Some(probe));
        for id in [demo.id, other.id] {
            let path = format!("/api/v1/tenants/{id}");
            for path in [
                path.clone(),
                format!("{path}/settings"),
                format!("{path}/features"),
            ] {
                attacker.get(&path).await.expect_problem(404, "not_found");
            }
            attacker
                .patch(&path, json!({"name": "Taken"}))
                .await
                .expect_problem(404, "not_found");
            let settings = format!("{path}/settings");
            attacker
                .put(&settings, json!({"registration": "closed"}))
                .await
                .expect_problem(404, "not_found");
        }
        for path in ["/api/v1/tenants", "/api/v1/api-keys", "/api/v1/audit-log"] {
            let page = attacker.get(path).await.expect(200).json();
            assert_eq!(page["items"], json!([]), "{path}");
        }
        let path = format!("/api/v1/api-keys/{key}");
        attacker.get(&path).await.expect_problem(404, "not_found");
        attacker
            .delete(&path)
            .await
            .expect_problem(404, "not_found");
        attacker
            .post("/api/v1/api-keys", body.clone())
            .await
            .expect_problem(404, "not_found");
    }
    let keys = owner.get("/api/v1/api-keys").await.expect(200).json();
    assert_eq!(keys["items"].as_array().unwrap().len(), 1);
    assert_eq!(actions(&owner).await, ["tenancy.api_key.created"]);
}

#[tokio::test]
async fn the_permissions_in_the_code_are_those_in_the_database() {
    let app = app().await;
    let stored: Vec<String> = sqlx::query_scalar(
        "select distinct permission from access.builtin_grants where permission like 'tenancy.%' order by permission",
    )
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    let mut declared = tenancy::permissions::ALL.to_vec();
    declared.sort_unstable();
    assert_eq!(stored, declared);
}

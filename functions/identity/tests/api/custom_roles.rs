use serde_json::{Value, json};
use testkit::{Client, TestApp, TestTenant};

use super::{add, announced, audited, bearer, count, demo, execute, login};

/// Creates a role and returns its path.
async fn create_role(client: &Client, name: &str, base: &str, permissions: Value) -> String {
    let body = json!({"name": name, "base_role": base, "permissions": permissions});
    let role = client.post("/api/v1/roles", body).await.expect(201);
    let path = format!("/api/v1/roles/{}", role.id());
    assert_eq!(role.header("location"), path);
    path
}

/// A user with exactly these permissions.
async fn user_with(app: &TestApp, tenant: &TestTenant, base: &str, permissions: Value) -> Client {
    create_role(&app.as_user(&tenant.admin), "special", base, permissions).await;
    add(app, tenant, "special", "ada@demo.example").await;
    bearer(app, &login(app, "ada@demo.example").await)
}

#[tokio::test]
async fn a_role_is_created_assigned_changed_and_deleted() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let wanted = json!({"identity.user.read": "all", "identity.user.update": "own"});
    let path = create_role(&admin, "dispatcher", "expert", wanted.clone()).await;
    let id = add(&app, &tenant, "dispatcher", "ada@demo.example").await;
    let role = admin.get(&path).await.expect(200).json();
    assert_eq!(
        (&role["permissions"], &role["people"], &role["built_in"]),
        (&wanted, &json!(1), &json!(false))
    );
    let listed = admin.get("/api/v1/roles").await.expect(200).json();
    let people = |name: &str| {
        let items = listed["items"].as_array().unwrap();
        items.iter().find(|role| role["name"] == name).unwrap()["people"].clone()
    };
    assert_eq!(
        (people("dispatcher"), people("expert")),
        (json!(1), json!(2))
    );

    let client = bearer(&app, &login(&app, "ada@demo.example").await);
    client.get("/api/v1/users").await.expect(200);
    let merge = json!({"permissions": {"identity.user.read": null}, "description": "Assigns"});
    let changed = admin.patch(&path, merge).await.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(
        changed.json()["permissions"],
        json!({"identity.user.update": "own"})
    );
    client
        .get("/api/v1/users")
        .await
        .expect_problem(403, "forbidden");
    let whole = json!({"permissions": {"identity.user.read": "own"}, "name": "planner"});
    let changed = admin.put(&path, whole.clone()).await.expect(200).json();
    assert_eq!(changed["permissions"], whole["permissions"]);
    // Repeating the request changes nothing.
    let again = admin.put(&path, whole).await.expect(200);
    assert_eq!(again.header("etag"), "\"3\"");

    let kept = admin.delete(&path).await.expect_problem(409, "role_in_use");
    assert_eq!(kept["people"], 1);
    let person = format!("/api/v1/users/{id}");
    admin
        .put(&person, json!({"role": "customer"}))
        .await
        .expect(200);
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect_problem(404, "not_found");
    for (step, times) in [("created", 1), ("updated", 2), ("deleted", 1)] {
        let kind = format!("de.revalenz.identity.role.{step}.v1");
        assert_eq!(announced(&app, &kind).await, times, "{step}");
    }
    let differences = "select count(*) from access.audit_log
        where action = 'identity.role.updated' and changes -> 'permissions.identity.user.read' = '{\"old\": \"all\", \"new\": null}'";
    assert_eq!(count(&app, differences).await, 1);
    assert_eq!(audited(&app, "identity.role.deleted").await, 1);
}

#[tokio::test]
async fn a_role_cannot_exceed_its_creators_permissions() {
    let (app, tenant) = demo().await;
    let held = json!({
        "identity.role.update": "all", "identity.role.read": "all",
        "identity.role.assign": "all", "identity.user.read": "own",
    });
    let ada = user_with(&app, &tenant, "manager", held).await;
    for (base, permissions, lacking) in [
        (
            "customer",
            json!({"identity.user.read": "all"}),
            json!(["identity.user.read"]),
        ),
        (
            "customer",
            json!({"identity.user.read": "own", "identity.user.create": "own"}),
            json!(["identity.user.create"]),
        ),
        // Based on a higher role than their own.
        ("admin", json!({}), json!([])),
    ] {
        let body = json!({"name": "more", "base_role": base, "permissions": permissions});
        let refused = ada
            .post("/api/v1/roles", body)
            .await
            .expect_problem(403, "role_too_powerful");
        assert_eq!(refused["lacking"], lacking);
    }
    let path = create_role(
        &ada,
        "less",
        "manager",
        json!({"identity.user.read": "own"}),
    )
    .await;
    for more in [
        json!({"permissions": {"identity.user.read": "all"}}),
        json!({"permissions": {"identity.user.disable": "own"}}),
        json!({"base_role": "admin"}),
    ] {
        ada.patch(&path, more)
            .await
            .expect_problem(403, "role_too_powerful");
    }
    // Nor can they change a role that already has more permissions.
    let admin = app.as_user(&tenant.admin);
    let strong = create_role(
        &admin,
        "strong",
        "customer",
        json!({"identity.user.create": "all"}),
    )
    .await;
    ada.patch(&strong, json!({"description": "mine"}))
        .await
        .expect_problem(403, "role_too_powerful");
    ada.delete(&strong)
        .await
        .expect_problem(403, "role_too_powerful");
}

#[tokio::test]
async fn a_caller_cannot_extend_their_own_role() {
    let (app, tenant) = demo().await;
    let held = json!({"identity.role.update": "all", "identity.role.read": "all", "identity.role.assign": "all"});
    let ada = user_with(&app, &tenant, "manager", held).await;
    let listed = ada.get("/api/v1/roles").await.expect(200).json();
    let own = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["name"] == "special");
    let path = format!("/api/v1/roles/{}", own.unwrap()["id"].as_str().unwrap());
    let more = json!({"permissions": {"identity.user.create": "all"}});
    ada.patch(&path, more)
        .await
        .expect_problem(403, "role_too_powerful");
    ada.patch(&path, json!({"base_role": "expert"}))
        .await
        .expect_problem(403, "own_role");
    let less = json!({"permissions": {"identity.role.assign": null}});
    ada.patch(&path, less).await.expect(200);
    let back = json!({"permissions": {"identity.role.assign": "all"}});
    ada.patch(&path, back)
        .await
        .expect_problem(403, "role_too_powerful");
}

#[tokio::test]
async fn a_custom_role_is_assigned_only_by_callers_with_all_its_permissions() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let held = json!({
        "identity.user.read": "all", "identity.user.create": "all", "identity.user.update": "all",
        "identity.role.assign": "all",
    });
    let ada = user_with(&app, &tenant, "manager", held).await;
    create_role(
        &admin,
        "weak",
        "customer",
        json!({"identity.user.read": "own"}),
    )
    .await;
    create_role(
        &admin,
        "strong",
        "customer",
        json!({"support.ticket.delete": "own"}),
    )
    .await;
    let person =
        |role: &str| json!({"email": format!("{role}@new.example"), "name": "New", "role": role});
    ada.post("/api/v1/users", person("strong"))
        .await
        .expect_problem(403, "role_too_powerful");
    let id = ada
        .post("/api/v1/users", person("weak"))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/users/{id}");
    for role in ["strong", "customer", "admin"] {
        ada.patch(&path, json!({"role": role}))
            .await
            .expect_problem(403, "role_too_powerful");
    }
    ada.patch(&path, json!({"role": "special"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn forbidden_permissions_are_reported_with_pointers() {
    let (app, tenant) = demo().await;
    let staff = app.superadmin().await;
    let abroad = app
        .as_user(&staff)
        .with("x-tenant-id", &tenant.id.to_string())
        .with("x-reason", "helping");
    let permissions = json!({"identity.user.read": "all", "identity.user.fly": "all", "tenancy.tenant.create": "all"});
    let body = json!({"name": "x", "base_role": "admin", "permissions": permissions});
    for client in [app.as_user(&tenant.admin), abroad] {
        let refused = client
            .post("/api/v1/roles", body.clone())
            .await
            .expect_problem(422, "validation_failed");
        let errors: Vec<String> = refused["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| {
                format!(
                    "{} {}",
                    error["pointer"].as_str().unwrap(),
                    error["code"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(
            errors,
            [
                "/permissions/identity.user.fly unknown_permission",
                "/permissions/tenancy.tenant.create staff_only_permission"
            ]
        );
    }
    let admin = app.as_user(&tenant.admin);
    for (field, value) in [
        ("permissions", json!({"identity.user.read": "everything"})),
        ("permissions", json!({"identity.user.read": true})),
        ("permissions", json!([])),
        ("base_role", json!("superadmin")),
        ("name", json!("")),
    ] {
        let mut body = json!({"name": "x", "base_role": "expert", "permissions": {}});
        body[field] = value;
        admin
            .post("/api/v1/roles", body)
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn built_in_roles_cannot_change_and_names_are_unique() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let path = format!("/api/v1/roles/{}", tenant.customer.role_id);
    admin
        .put(&path, json!({"description": "x"}))
        .await
        .expect_problem(409, "built_in_role");
    admin
        .delete(&path)
        .await
        .expect_problem(409, "built_in_role");
    create_role(&admin, "one", "expert", json!({})).await;
    let other = create_role(&admin, "other", "expert", json!({})).await;
    for name in ["one", "Admin", "superadmin", "api_key"] {
        let body = json!({"name": name, "base_role": "expert", "permissions": {}});
        admin
            .post("/api/v1/roles", body)
            .await
            .expect_problem(409, "role_name_taken");
        admin
            .patch(&other, json!({"name": name}))
            .await
            .expect_problem(409, "role_name_taken");
    }
    let outdated = admin
        .call(http::Method::PATCH, &other)
        .header("if-match", "\"7\"");
    let outdated = outdated.json(&json!({"name": "third"})).send().await;
    outdated.expect_problem(412, "precondition_failed");
    let theirs = app.tenant("other").await;
    app.as_user(&theirs.admin)
        .patch(&other, json!({"name": "x"}))
        .await
        .expect_problem(404, "not_found");
    app.as_user(&theirs.admin)
        .get(&other)
        .await
        .expect_problem(404, "not_found");
    app.as_user(&tenant.manager)
        .delete(&other)
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_role_is_either_deleted_or_assigned() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let person = format!("/api/v1/users/{}", tenant.customer.id);
    for round in 0..6 {
        let role = create_role(&admin, &format!("role {round}"), "customer", json!({})).await;
        let give = json!({"role": format!("role {round}")});
        let (removed, given) = tokio::join!(admin.delete(&role), admin.put(&person, give));
        let statuses = (removed.status.as_u16(), given.status.as_u16());
        assert!(
            [(204, 422), (409, 200)].contains(&statuses),
            "{removed:?} {given:?}"
        );
        admin
            .put(&person, json!({"role": "customer"}))
            .await
            .expect(200);
    }
}

/// Renaming it would switch the feature on for those who must not have it.
#[tokio::test]
async fn a_role_that_a_setting_or_feature_names_keeps_its_name() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let role = create_role(&admin, "Dispatcher", "expert", json!({})).await;
    for (named, code) in [
        (
            "update access.tenants set features = features || '{\"projects\": {\"rollout\": 100,
                \"conditions\": [{\"attribute\": \"role\", \"operator\": \"not_in\", \"values\": [\"Dispatcher\"]}]}}'
            where slug = 'demo'",
            "named_in_features",
        ),
        (
            "update access.tenants set features = features - 'projects',
                settings = settings || '{\"mfa_required_roles\": [\"Dispatcher\"]}'
            where slug = 'demo'",
            "named_in_settings",
        ),
    ] {
        execute(&app, named).await;
        app.state.authenticator().invalidate_tenant(tenant.id).await;
        let refused = admin
            .patch(&role, json!({"name": "Leitstelle"}))
            .await
            .expect_problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["code"], code);
        admin
            .patch(&role, json!({"description": "Plans the day"}))
            .await
            .expect(200);
    }
}

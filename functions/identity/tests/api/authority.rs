use serde_json::json;

use super::{add, announced, bearer, count, demo, execute, login};

#[tokio::test]
async fn managers_create_and_manage_users_with_lower_roles() {
    let (app, tenant) = demo().await;
    let manager = app.as_user(&tenant.manager);
    for (role, status) in [
        ("customer", 201),
        ("expert", 201),
        ("manager", 403),
        ("admin", 403),
    ] {
        let body = json!({"email": format!("{role}@new.example"), "name": "New One", "role": role});
        manager.post("/api/v1/users", body).await.expect(status);
    }
    let body = json!({"email": "x@new.example", "name": "New One", "role": "emperor"});
    let problem = manager
        .post("/api/v1/users", body)
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "not_one_of");
    for (person, status) in [
        (&tenant.customer, 200),
        (&tenant.expert, 200),
        (&tenant.admin, 403),
    ] {
        let path = format!("/api/v1/users/{}", person.id);
        manager
            .put(&path, json!({"locale": "de"}))
            .await
            .expect(status);
    }
    let path = format!("/api/v1/users/{}", tenant.expert.id);
    manager
        .put(&path, json!({"role": "manager"}))
        .await
        .expect_problem(403, "role_too_powerful");
    manager
        .put(&path, json!({"role": "customer"}))
        .await
        .expect(200);
    manager
        .delete(&format!("/api/v1/users/{}", tenant.admin.id))
        .await
        .expect_problem(403, "role_too_powerful");
    manager
        .delete(&format!("/api/v1/users/{}", tenant.customer.id))
        .await
        .expect(204);
    let own = format!("/api/v1/users/{}", tenant.manager.id);
    manager
        .put(&own, json!({"name": "Still Me"}))
        .await
        .expect(200);
    manager
        .put(&own, json!({"role": "admin"}))
        .await
        .expect_problem(403, "role_too_powerful");
}

#[tokio::test]
async fn users_can_change_only_their_own_profile() {
    let (app, tenant) = demo().await;
    let expert = app.as_user(&tenant.expert);
    let own = format!("/api/v1/users/{}", tenant.expert.id);
    let changed = expert
        .put(&own, json!({"name": "Ex Pert", "phone": "+49 30 123456"}))
        .await
        .expect(200)
        .json();
    assert_eq!(changed["name"], "Ex Pert");
    for (field, value) in [
        ("role", "admin"),
        ("email", "new@demo.example"),
        ("status", "locked"),
    ] {
        let problem = expert
            .put(&own, json!({field: value}))
            .await
            .expect_problem(403, "forbidden_field");
        assert!(problem["detail"].as_str().unwrap().contains(field));
    }
    // Setting the current value changes nothing.
    expert
        .put(
            &own,
            json!({"role": "expert", "email": "expert@demo.example", "status": "active"}),
        )
        .await
        .expect(200);
    expert
        .put(
            &format!("/api/v1/users/{}", tenant.expert2.id),
            json!({"name": "X Y"}),
        )
        .await
        .expect_problem(404, "not_found");
    expert
        .post(
            "/api/v1/users",
            json!({"email": "a@b.example", "name": "A"}),
        )
        .await
        .expect_problem(403, "forbidden");
    expert.delete(&own).await.expect_problem(403, "forbidden");
    let customer = app.as_user(&tenant.customer);
    let own = format!("/api/v1/users/{}", tenant.customer.id);
    customer
        .put(&own, json!({"locale": "de"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_role_change_takes_effect_at_once() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", "ada@demo.example").await;
    let client = bearer(&app, &login(&app, "ada@demo.example").await);
    client
        .get("/api/v1/users")
        .await
        .expect_problem(403, "forbidden");
    let path = format!("/api/v1/users/{id}");
    app.as_user(&tenant.admin)
        .put(&path, json!({"role": "manager"}))
        .await
        .expect(200);
    client.get("/api/v1/users").await.expect(200);
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.role_changed.v1").await,
        1
    );
}

#[tokio::test]
async fn an_api_key_cannot_assign_a_role_with_more_permissions() {
    let (app, tenant) = demo().await;
    let key = app
        .key(tenant.id, &["identity.user.create", "identity.role.assign"])
        .await;
    let body = json!({"email": "ada@demo.example", "name": "Ada", "role": "customer"});
    key.post("/api/v1/users", body)
        .await
        .expect_problem(403, "role_too_powerful");
}

#[tokio::test]
async fn the_last_admin_cannot_be_removed() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let own = format!("/api/v1/users/{}", tenant.admin.id);
    admin
        .put(&own, json!({"role": "manager"}))
        .await
        .expect_problem(409, "last_admin");
    admin
        .put(&own, json!({"status": "locked"}))
        .await
        .expect_problem(409, "last_admin");
    admin.delete(&own).await.expect_problem(409, "last_admin");
    // Invited users cannot manage anything yet.
    let body = json!({"email": "second@demo.example", "name": "Second", "role": "admin"});
    admin.post("/api/v1/users", body).await.expect(201);
    admin.delete(&own).await.expect_problem(409, "last_admin");
    add(&app, &tenant, "admin", "third@demo.example").await;
    admin
        .put(&own, json!({"role": "manager"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn two_admins_cannot_disable_each_other() {
    let (app, tenant) = demo().await;
    let second = app.person(tenant.id, "admin", "second@demo.example").await;
    for round in 0..5 {
        let (one, other) = (app.as_user(&tenant.admin), app.as_user(&second));
        let (to_other, to_one) = (
            format!("/api/v1/users/{}", second.id),
            format!("/api/v1/users/{}", tenant.admin.id),
        );
        let (a, b) = if round % 2 == 0 {
            tokio::join!(one.delete(&to_other), other.delete(&to_one))
        } else {
            tokio::join!(
                one.put(&to_other, json!({"role": "expert"})),
                other.put(&to_one, json!({"role": "expert"}))
            )
        };
        let admins =
            "select count(*) from identity.users u join access.roles r using (tenant_id, role_id)
            where r.name = 'admin' and u.status = 'active'";
        assert_eq!(count(&app, admins).await, 1, "{a:?} {b:?}");
        execute(
            &app,
            "with r as (select role_id from access.roles where name = 'admin'),
            p as (update access.people set status = 'active', role_id = (select role_id from r) where email in ('admin@demo.example', 'second@demo.example'))
            , s as (update access.sessions set revoked_at = null), t as (update identity.sessions set revoked_at = null)
            update identity.users set status = 'active', role_id = (select role_id from r) where email in ('admin@demo.example', 'second@demo.example')",
        )
        .await;
    }
}

#[tokio::test]
async fn an_account_that_was_never_verified_cannot_be_activated() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let body = json!({"email": "ada@demo.example", "name": "Ada"});
    let path = format!(
        "/api/v1/users/{}",
        admin.post("/api/v1/users", body).await.expect(201).id()
    );
    admin
        .put(&path, json!({"status": "active"}))
        .await
        .expect_problem(409, "illegal_status");
    admin
        .put(&path, json!({"status": "disabled"}))
        .await
        .expect(200);
    let there = format!("{path}?status=disabled");
    admin
        .put(&there, json!({"status": "active"}))
        .await
        .expect_problem(409, "illegal_status");
    admin
        .put(&there, json!({"status": "invited"}))
        .await
        .expect(200);
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.invited.v1").await,
        2
    );
}

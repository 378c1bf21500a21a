use std::time::Duration;

use serde_json::json;
use testkit::{Client, TestApp, TestTenant};

use super::{
    PASSWORD, add, announced, audited, bearer, demo, execute,
    factors::{enrol, login_and_enrol, pending_sign_in, reauthenticate, submit_second_factor},
    links, login, try_refresh,
};

const ADA: &str = "ada@demo.example";
const TOTP: &str = "/api/v1/auth/mfa/totp";

#[tokio::test]
async fn sensitive_operations_require_recent_authentication() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let tokens = login(&app, ADA).await;
    app.clock.advance(Duration::from_mins(10));
    // Refreshing does not count as authentication.
    let tokens = try_refresh(&app, &tokens["refresh_token"]).await;
    let client = bearer(&app, &tokens.expect(200).json());
    client
        .post(TOTP, json!({}))
        .await
        .expect_problem(403, "reauthentication_needed");
    client.get("/api/v1/me").await.expect(200);
    reauthenticate(&client, "password", "wrong horse battery")
        .await
        .expect_problem(403, "proof_refused");
    reauthenticate(&client, "code", "123456")
        .await
        .expect_problem(403, "proof_refused");
    client
        .post(TOTP, json!({}))
        .await
        .expect_problem(403, "reauthentication_needed");
    let proved = reauthenticate(&client, "password", PASSWORD).await;
    let again = bearer(&app, &proved.expect(200).json());
    // Reauthentication applies to the session, whichever of its tokens is used.
    for client in [&client, &again] {
        client.post(TOTP, json!({})).await.expect(201);
    }
    assert_eq!(audited(&app, "identity.session.reauthenticated").await, 1);
    app.clock.advance(Duration::from_secs(599));
    again.post(TOTP, json!({})).await.expect(201);
}

#[tokio::test]
async fn every_change_of_factors_requires_recent_authentication() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", ADA).await;
    enrol(&app, &app.as_user(&tenant.manager)).await;
    app.clock.advance(Duration::from_secs(580));
    let client = app.as_user(&tenant.manager);
    let refusal = "reauthentication_needed";
    client
        .post("/api/v1/auth/mfa/recovery-codes", json!({}))
        .await
        .expect_problem(403, refusal);
    client.delete(TOTP).await.expect_problem(403, refusal);
    app.as_user(&tenant.admin)
        .delete(&format!("/api/v1/users/{id}/mfa"))
        .await
        .expect_problem(403, refusal);
    assert_eq!(
        announced(&app, "de.revalenz.identity.mfa.disabled.v1").await,
        0
    );
}

#[tokio::test]
async fn a_session_without_the_users_second_factor_is_too_weak() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let elsewhere = bearer(&app, &login(&app, ADA).await);
    let (totp, ..) = login_and_enrol(&app, ADA).await;
    elsewhere.get("/api/v1/me").await.expect(200);
    elsewhere
        .delete(TOTP)
        .await
        .expect_problem(403, "insufficient_aal");
    // A password does not count as second factor, however often it is given.
    reauthenticate(&elsewhere, "password", PASSWORD)
        .await
        .expect(200);
    elsewhere
        .delete(TOTP)
        .await
        .expect_problem(403, "insufficient_aal");
    reauthenticate(&elsewhere, "code", &totp.wrong_code(&app))
        .await
        .expect_problem(403, "proof_refused");
    let code = totp.code(&app);
    reauthenticate(&elsewhere, "code", &code).await.expect(200);
    // The code is used, for signing in too.
    reauthenticate(&elsewhere, "code", &code)
        .await
        .expect_problem(403, "proof_refused");
    let token = pending_sign_in(&app, ADA).await;
    submit_second_factor(&app, &token, "code", &code)
        .await
        .expect_problem(401, "invalid_code");
    elsewhere.delete(TOTP).await.expect(204);
}

#[tokio::test]
async fn reauthentication_is_throttled() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let client = bearer(&app, &login(&app, ADA).await);
    for _ in 0..10 {
        reauthenticate(&client, "password", "wrong horse battery")
            .await
            .expect_problem(403, "proof_refused");
    }
    reauthenticate(&client, "password", PASSWORD)
        .await
        .expect_problem(429, "rate_limited");
    // The owner can still sign in, and another session has a counter of its own.
    let tokens = login(&app, ADA).await;
    reauthenticate(&bearer(&app, &tokens), "password", PASSWORD)
        .await
        .expect(200);
    for body in [
        json!({}),
        json!({"password": PASSWORD, "code": "123456"}),
        json!({"code": "123456", "recovery_code": "x"}),
    ] {
        client
            .post("/api/v1/auth/reauthenticate", body)
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn an_admin_can_reset_lost_factors() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", ADA).await;
    let other = app.tenant("other").await;
    let path = format!("/api/v1/users/{id}/mfa");
    let admin = app.as_user(&tenant.admin);
    admin.delete(&path).await.expect_problem(404, "not_found");
    login_and_enrol(&app, ADA).await;
    let token = pending_sign_in(&app, ADA).await;
    for person in [&tenant.manager, &tenant.customer] {
        app.as_user(person)
            .delete(&path)
            .await
            .expect_problem(403, "forbidden");
    }
    app.as_user(&other.admin)
        .delete(&path)
        .await
        .expect_problem(404, "not_found");
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect_problem(404, "not_found");
    submit_second_factor(&app, &token, "code", "123456")
        .await
        .expect_problem(401, "invalid_mfa_token");
    assert!(login(&app, ADA).await["access_token"].is_string());
    assert_eq!(
        announced(&app, "de.revalenz.identity.mfa.disabled.v1").await,
        1
    );
    assert_eq!(audited(&app, "identity.mfa.disabled").await, 1);
}

#[tokio::test]
async fn concurrent_enrolments_create_one_app() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", ADA).await;
    let client = bearer(&app, &login(&app, ADA).await);
    let many = (0..6).map(|_| client.post(TOTP, json!({})));
    for answer in futures::future::join_all(many).await {
        answer.expect(201);
    }
    let (totp, codes, _) = enrol(&app, &client).await;
    assert_eq!(codes.len(), 10);
    let token = pending_sign_in(&app, ADA).await;
    submit_second_factor(&app, &token, "code", &totp.code(&app))
        .await
        .expect(200);
}

/// An admin's session whose authentication is ten minutes old.
async fn old_admin(app: &TestApp, tenant: &TestTenant) -> Client {
    add(app, tenant, "admin", "root@demo.example").await;
    let tokens = login(app, "root@demo.example").await;
    app.clock.advance(Duration::from_mins(10));
    let tokens = try_refresh(app, &tokens["refresh_token"]).await;
    bearer(app, &tokens.expect(200).json())
}

#[tokio::test]
async fn what_opens_or_closes_an_account_requires_recent_authentication() {
    let (app, tenant) = demo().await;
    let ada = add(&app, &tenant, "customer", ADA).await;
    let admin = old_admin(&app, &tenant).await;
    let refusal = "reauthentication_needed";
    let path = format!("/api/v1/users/{ada}");
    for change in [
        json!({"email": "mallory@demo.example"}),
        json!({"role": "expert"}),
        json!({"status": "locked"}),
    ] {
        admin
            .patch(&path, change.clone())
            .await
            .expect_problem(403, refusal);
    }
    admin.delete(&path).await.expect_problem(403, refusal);
    for body in [
        json!({"email": "new@demo.example", "name": "N", "password": PASSWORD}),
        json!({"email": "new@demo.example", "name": "N", "role": "manager"}),
    ] {
        admin
            .post("/api/v1/users", body)
            .await
            .expect_problem(403, refusal);
    }
    let role = json!({"name": "Desk", "base_role": "expert", "permissions": {}});
    admin
        .post("/api/v1/roles", role)
        .await
        .expect_problem(403, refusal);
    admin
        .post("/api/v1/users/import", json!([]))
        .await
        .expect_problem(403, refusal);
    // What only helps people to work does not.
    admin
        .patch(&path, json!({"phone": "+49 30 1234567"}))
        .await
        .expect(200);
    let customer = json!({"email": "new@demo.example", "name": "N"});
    admin.post("/api/v1/users", customer).await.expect(201);

    let proved = reauthenticate(&admin, "password", PASSWORD).await;
    let admin = bearer(&app, &proved.expect(200).json());
    admin
        .patch(&path, json!({"role": "expert"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_replaced_address_ends_the_sessions_and_the_old_one_is_told() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "customer", ADA).await;
    execute(
        &app,
        "update identity.users set email_verified_at = now() where email = 'ada@demo.example'",
    )
    .await;
    let ada = bearer(&app, &login(&app, ADA).await);
    ada.get("/api/v1/me").await.expect(200);
    let admin = app.as_user(&tenant.admin);
    let change = json!({"email": "new@demo.example"});
    let changed = admin.patch(&format!("/api/v1/users/{id}"), change).await;
    assert_eq!(changed.expect(200).json()["email_verified_at"], json!(null));
    ada.get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    let event = "de.revalenz.identity.email.replaced.v1";
    assert_eq!(links(&app, tenant.id, event).await, [ADA]);
}

#[tokio::test]
async fn an_api_key_with_every_permission_makes_no_account_that_manages_people() {
    let (app, tenant) = demo().await;
    let scopes: Vec<String> = sqlx::query_scalar(
        "select jsonb_object_keys(permissions) from access.roles where tenant_id = $1 and name = 'admin'",
    )
    .bind(tenant.id)
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let key = app.key(tenant.id, &scopes).await;
    let hash = "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    for role in ["admin", "manager"] {
        let person = json!({"email": "mallory@demo.example", "name": "Mallory", "role": role});
        key.post("/api/v1/users", person.clone())
            .await
            .expect_problem(403, "role_too_powerful");
        let mut row = person;
        row["password_hash"] = json!(hash);
        let report = key.post("/api/v1/users/import", json!([row])).await;
        let report = report.expect(200).json();
        assert_eq!(
            report["refusals"][0]["errors"][0]["code"],
            "role_too_powerful"
        );
    }
    let admin = format!("/api/v1/users/{}", tenant.admin.id);
    for change in [
        json!({"email": "mallory@demo.example"}),
        json!({"status": "locked"}),
        json!({"name": "Mallory"}),
    ] {
        key.patch(&admin, change)
            .await
            .expect_problem(403, "role_too_powerful");
    }
    let customer = format!("/api/v1/users/{}", tenant.customer.id);
    for change in [
        json!({"email": "mallory@demo.example"}),
        json!({"role": "expert"}),
        json!({"role": "expert", "status": "locked"}),
    ] {
        key.patch(&customer, change)
            .await
            .expect_problem(403, "not_a_person");
    }
    key.delete(&format!("{customer}/mfa"))
        .await
        .expect_problem(403, "not_a_person");
    let role = json!({"name": "Desk", "base_role": "expert", "permissions": {}});
    key.post("/api/v1/roles", role)
        .await
        .expect_problem(403, "not_a_person");
    // What scripts are for: bringing people with lower roles, and ending the accounts of those who leave.
    let row = json!({"email": "grace@demo.example", "name": "Grace", "role": "expert", "password_hash": hash});
    let report = key.post("/api/v1/users/import", json!([row])).await;
    assert_eq!(report.expect(200).json()["created"], 1);
    key.patch(&customer, json!({"status": "locked"}))
        .await
        .expect(200);
    key.delete(&customer).await.expect(204);
}

#[tokio::test]
async fn a_role_that_was_given_authority_needs_a_recent_authentication() {
    let (app, tenant) = demo().await;
    let role = json!({
        "name": "desk", "base_role": "expert",
        "permissions": {"identity.user.create": "all", "identity.user.read": "all"},
    });
    app.as_user(&tenant.admin)
        .post("/api/v1/roles", role)
        .await
        .expect(201);
    let admin = old_admin(&app, &tenant).await;
    let body = json!({"email": "new@demo.example", "name": "N", "role": "desk"});
    admin
        .post("/api/v1/users", body)
        .await
        .expect_problem(403, "reauthentication_needed");
}

#[tokio::test]
async fn an_api_key_sets_no_password_and_views_no_account() {
    let (app, tenant) = demo().await;
    let scopes = [
        "identity.user.create",
        "identity.user.impersonate",
        "identity.role.assign",
    ];
    let key = app.key(tenant.id, &scopes).await;
    let body = json!({"email": "new@demo.example", "name": "N", "password": PASSWORD});
    key.post("/api/v1/users", body)
        .await
        .expect_problem(403, "not_a_person");
    let body = json!({"user_id": tenant.customer.id, "reason": "curious"});
    key.post("/api/v1/auth/impersonate", body)
        .await
        .expect_problem(403, "not_a_person");
}

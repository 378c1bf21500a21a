use serde_json::json;

use super::{
    PASSWORD, add, bearer, demo, execute,
    factors::{enrol, login_and_enrol, reauthenticate},
    login,
};

const ADA: &str = "ada@demo.example";
const REQUIRED: &str = "update access.tenants
    set settings = settings || '{\"mfa_required_roles\": [\"manager\"]}'
    where slug = 'demo'";

#[tokio::test]
async fn a_required_factor_allows_nothing_but_enrolment() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "manager", ADA).await;
    execute(&app, REQUIRED).await;
    let client = bearer(&app, &login(&app, ADA).await);
    let user = format!("/api/v1/users/{id}");
    for path in ["/api/v1/me", "/api/v1/users", "/api/v1/roles", &user] {
        client
            .get(path)
            .await
            .expect_problem(403, "mfa_enrolment_required");
    }
    client
        .patch("/api/v1/me", json!({"locale": "de"}))
        .await
        .expect_problem(403, "mfa_enrolment_required");
    let status = client.get("/api/v1/auth/status").await.expect(200).json();
    assert_eq!(status["session"]["mfa_enrolment_required"], true);
    // Other roles of the tenant are not affected.
    app.as_user(&tenant.customer)
        .get("/api/v1/me")
        .await
        .expect(200);

    let (_, _, client) = enrol(&app, &client).await;
    client.get("/api/v1/users").await.expect(200);
    let status = client.get("/api/v1/auth/status").await.expect(200).json();
    assert_eq!(status["session"]["mfa_enrolment_required"], false);
    // Without the factor, enrolment is required again.
    client.delete("/api/v1/auth/mfa/totp").await.expect(204);
    client
        .get("/api/v1/users")
        .await
        .expect_problem(403, "mfa_enrolment_required");
    client
        .post("/api/v1/auth/logout", json!({}))
        .await
        .expect(204);
}

#[tokio::test]
async fn an_older_session_has_to_step_up_when_a_factor_becomes_required() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "manager", ADA).await;
    let elsewhere = bearer(&app, &login(&app, ADA).await);
    let (totp, _, enrolled) = login_and_enrol(&app, ADA).await;
    elsewhere.get("/api/v1/users").await.expect(200);
    execute(&app, REQUIRED).await;
    enrolled.get("/api/v1/users").await.expect(200);
    elsewhere
        .get("/api/v1/users")
        .await
        .expect_problem(403, "insufficient_aal");
    reauthenticate(&elsewhere, "password", PASSWORD)
        .await
        .expect(200);
    elsewhere
        .get("/api/v1/users")
        .await
        .expect_problem(403, "insufficient_aal");
    reauthenticate(&elsewhere, "code", &totp.code(&app))
        .await
        .expect(200);
    elsewhere.get("/api/v1/users").await.expect(200);
}

#[tokio::test]
async fn api_keys_need_no_second_factor() {
    let (app, tenant) = demo().await;
    execute(
        &app,
        "update access.tenants set settings = '{\"mfa_required_roles\": [\"api_key\", \"admin\"]}' where slug = 'demo'",
    )
    .await;
    let key = app.key(tenant.id, &["identity.user.read"]).await;
    key.get("/api/v1/users").await.expect(200);
    app.as_user(&tenant.admin)
        .get("/api/v1/users")
        .await
        .expect_problem(403, "mfa_enrolment_required");
}

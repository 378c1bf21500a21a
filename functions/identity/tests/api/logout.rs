use serde_json::json;

use super::{add, audited, bearer, demo, login, try_refresh};

#[tokio::test]
async fn signing_out_ends_this_session_at_once() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let (here, there) = (
        login(&app, "ada@demo.example").await,
        login(&app, "ada@demo.example").await,
    );
    let client = bearer(&app, &here);
    client
        .post("/api/v1/auth/logout", json!({}))
        .await
        .expect(204);
    client
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    try_refresh(&app, &here["refresh_token"])
        .await
        .expect_problem(401, "invalid_refresh_token");
    bearer(&app, &there).get("/api/v1/me").await.expect(200);
    assert_eq!(audited(&app, "identity.session.ended").await, 1);
}

#[tokio::test]
async fn signing_out_everywhere_ends_all() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let (here, there) = (
        login(&app, "ada@demo.example").await,
        login(&app, "ada@demo.example").await,
    );
    bearer(&app, &here)
        .post("/api/v1/auth/logout?all=true", json!({}))
        .await
        .expect(204);
    for tokens in [here, there] {
        bearer(&app, &tokens)
            .get("/api/v1/me")
            .await
            .expect_problem(401, "unauthenticated");
        try_refresh(&app, &tokens["refresh_token"])
            .await
            .expect_problem(401, "invalid_refresh_token");
    }
}

#[tokio::test]
async fn a_client_with_an_expired_access_token_signs_out_with_its_refresh_token() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&app, "ada@demo.example").await;
    let body = json!({"refresh_token": tokens["refresh_token"]});
    app.anonymous()
        .post("/api/v1/auth/logout", body.clone())
        .await
        .expect(204);
    app.anonymous()
        .post("/api/v1/auth/logout", body)
        .await
        .expect_problem(401, "invalid_refresh_token");
    bearer(&app, &tokens)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_api_key_has_no_session_to_end() {
    let (app, tenant) = demo().await;
    let key = app.key(tenant.id, &["identity.user.read"]).await;
    key.post("/api/v1/auth/logout", json!({}))
        .await
        .expect_problem(403, "not_a_person");
    key.get("/api/v1/me")
        .await
        .expect_problem(403, "not_a_person");
}

#[tokio::test]
async fn staff_sign_out_of_their_own_tenant_wherever_they_act() {
    let (app, tenant) = demo().await;
    let staff = app.superadmin().await;
    let abroad = app
        .as_user(&staff)
        .with("x-tenant-id", &tenant.id.to_string())
        .with("x-reason", "helping");
    let status = abroad.get("/api/v1/auth/status").await.expect(200).json();
    assert_eq!(
        (&status["tenant"]["slug"], &status["user"]["email"]),
        (&json!("demo"), &json!(staff.email))
    );
    abroad
        .post("/api/v1/auth/logout", json!({}))
        .await
        .expect(204);
    app.as_user(&staff)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
}

use serde_json::json;

use super::{add, audited, bearer, demo, login, try_refresh};

#[tokio::test]
async fn signing_out_ends_this_session_at_once() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let (here, there) = (
        login(&stage, "ada@demo.example").await,
        login(&stage, "ada@demo.example").await,
    );
    let client = bearer(&stage, &here);
    client
        .post("/api/v1/auth/logout", json!({}))
        .await
        .expect(204);
    client
        .get("/api/v1/me")
        .await
        .refused(401, "unauthenticated");
    try_refresh(&stage, &here["refresh_token"])
        .await
        .refused(401, "invalid_refresh_token");
    bearer(&stage, &there).get("/api/v1/me").await.expect(200);
    assert_eq!(audited(&stage, "identity.session.ended").await, 1);
}

#[tokio::test]
async fn signing_out_everywhere_ends_all() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let (here, there) = (
        login(&stage, "ada@demo.example").await,
        login(&stage, "ada@demo.example").await,
    );
    bearer(&stage, &here)
        .post("/api/v1/auth/logout?all=true", json!({}))
        .await
        .expect(204);
    for tokens in [here, there] {
        bearer(&stage, &tokens)
            .get("/api/v1/me")
            .await
            .refused(401, "unauthenticated");
        try_refresh(&stage, &tokens["refresh_token"])
            .await
            .refused(401, "invalid_refresh_token");
    }
}

#[tokio::test]
async fn a_client_whose_access_token_is_old_signs_out_with_its_refresh_token() {
    let (stage, tenant) = demo().await;
    add(&stage, &tenant, "customer", "ada@demo.example").await;
    let tokens = login(&stage, "ada@demo.example").await;
    let body = json!({"refresh_token": tokens["refresh_token"]});
    stage
        .stranger()
        .post("/api/v1/auth/logout", body.clone())
        .await
        .expect(204);
    stage
        .stranger()
        .post("/api/v1/auth/logout", body)
        .await
        .refused(401, "invalid_refresh_token");
    bearer(&stage, &tokens)
        .get("/api/v1/me")
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_key_has_no_session_to_end() {
    let (stage, tenant) = demo().await;
    let key = stage.key(tenant.id, &["identity.user.read"]).await;
    key.post("/api/v1/auth/logout", json!({}))
        .await
        .refused(403, "not_a_person");
    key.get("/api/v1/me").await.refused(403, "not_a_person");
}

#[tokio::test]
async fn staff_sign_out_at_home_in_whichever_tenant_they_act() {
    let (stage, tenant) = demo().await;
    let staff = stage.superadmin().await;
    let abroad = stage
        .as_(&staff)
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
    stage
        .as_(&staff)
        .get("/api/v1/me")
        .await
        .refused(401, "unauthenticated");
}

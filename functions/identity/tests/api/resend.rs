use std::time::Duration;

use serde_json::json;
use testkit::{TestApp, TestResponse};

use super::{PASSWORD, announced, audited, demo, links, try_login};

const VERIFICATION_REQUESTED: &str = "de.revalenz.identity.email.verification_requested.v1";
const REGISTERED: &str = "de.revalenz.identity.user.registered.v1";
const INVITED: &str = "de.revalenz.identity.user.invited.v1";
const ADA: &str = "ada@example.org";

async fn register(app: &TestApp, password: &str) {
    let body = json!({"tenant": "demo", "email": ADA, "password": password, "name": "Some One"});
    app.anonymous()
        .post("/api/v1/auth/register", body)
        .await
        .expect(202);
}

async fn resend(app: &TestApp, email: &str) -> TestResponse {
    let body = json!({"tenant": "demo", "email": email});
    let answer = app
        .anonymous()
        .post("/api/v1/auth/email/verify/resend", body)
        .await;
    answer.expect(202)
}

async fn verify(app: &TestApp, token: &str) -> TestResponse {
    app.anonymous()
        .post("/api/v1/auth/email/verify", json!({"token": token}))
        .await
}

#[tokio::test]
async fn a_lost_link_is_resent_with_the_same_password() {
    let (app, tenant) = demo().await;
    register(&app, PASSWORD).await;
    // The first link has expired by now.
    app.clock.advance(Duration::from_hours(25));
    resend(&app, ADA).await;
    app.clock.advance(Duration::from_secs(1));
    resend(&app, ADA).await;
    let again = links(&app, tenant.id, VERIFICATION_REQUESTED).await;
    let first = links(&app, tenant.id, REGISTERED).await;
    verify(&app, &first[0])
        .await
        .expect_problem(401, "invalid_token");
    verify(&app, &again[0])
        .await
        .expect_problem(401, "invalid_token");
    verify(&app, &again[1]).await.expect(200);
    try_login(&app, "demo", ADA, PASSWORD).await.expect(200);
    resend(&app, ADA).await;
    assert_eq!(announced(&app, VERIFICATION_REQUESTED).await, 2);
}

#[tokio::test]
async fn other_accounts_get_no_email() {
    let (app, tenant) = demo().await;
    let body = json!({"email": "invited@demo.example", "name": "In Vited"});
    app.as_user(&tenant.admin)
        .post("/api/v1/users", body)
        .await
        .expect(201);
    for email in [
        "nobody@example.org",
        "customer@demo.example",
        "invited@demo.example",
    ] {
        let answer = resend(&app, email).await;
        assert_eq!(answer.json(), json!({"status": "check_mail"}));
    }
    assert_eq!(announced(&app, VERIFICATION_REQUESTED).await, 0);
}

#[tokio::test]
async fn competing_registrations_get_no_link() {
    let (app, _) = demo().await;
    register(&app, PASSWORD).await;
    app.clock.advance(Duration::from_secs(1));
    register(&app, "the stranger's own password").await;
    resend(&app, ADA).await;
    assert_eq!(announced(&app, VERIFICATION_REQUESTED).await, 0);
}

#[tokio::test]
async fn callers_who_can_create_users_resend_invitations() {
    let (app, tenant) = demo().await;
    let manager = app.as_user(&tenant.manager);
    let body = json!({"email": ADA, "name": "Ada Lovelace", "role": "expert"});
    let id = manager.post("/api/v1/users", body).await.expect(201).id();
    let path = format!("/api/v1/users/{id}/invite");
    app.clock.advance(Duration::from_secs(1));
    manager.post(&path, json!({})).await.expect(202);
    let tokens = links(&app, tenant.id, INVITED).await;
    let accept = async |token: &str| {
        let body = json!({"token": token, "password": PASSWORD});
        app.anonymous()
            .post("/api/v1/auth/invite/accept", body)
            .await
    };
    accept(&tokens[0])
        .await
        .expect_problem(401, "invalid_token");
    accept(&tokens[1]).await.expect(200);
    assert_eq!(audited(&app, "identity.user.invited").await, 1);
    manager
        .post(&path, json!({}))
        .await
        .expect_problem(409, "illegal_status");

    app.as_user(&tenant.expert)
        .post(&path, json!({}))
        .await
        .expect_problem(403, "forbidden");
    let other = app.tenant("other").await;
    app.as_user(&other.admin)
        .post(&path, json!({}))
        .await
        .expect_problem(404, "not_found");
    let body = json!({"email": "boss@example.org", "name": "The Boss", "role": "admin"});
    let admin = app.as_user(&tenant.admin);
    let boss = admin.post("/api/v1/users", body).await.expect(201).id();
    manager
        .post(&format!("/api/v1/users/{boss}/invite"), json!({}))
        .await
        .expect_problem(403, "role_too_powerful");
}

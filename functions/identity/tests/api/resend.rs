use std::time::Duration;

use serde_json::json;
use testkit::{Answer, Stage};

use super::{PASSWORD, announced, audited, demo, links, try_login};

const AGAIN: &str = "de.revalenz.identity.email.verification_requested.v1";
const REGISTERED: &str = "de.revalenz.identity.user.registered.v1";
const INVITED: &str = "de.revalenz.identity.user.invited.v1";
const ADA: &str = "ada@example.org";

async fn register(stage: &Stage, password: &str) {
    let body = json!({"tenant": "demo", "email": ADA, "password": password, "name": "Some One"});
    stage
        .stranger()
        .post("/api/v1/auth/register", body)
        .await
        .expect(202);
}

async fn resend(stage: &Stage, email: &str) -> Answer {
    let body = json!({"tenant": "demo", "email": email});
    let answer = stage
        .stranger()
        .post("/api/v1/auth/email/verify/resend", body)
        .await;
    answer.expect(202)
}

async fn verify(stage: &Stage, token: &str) -> Answer {
    stage
        .stranger()
        .post("/api/v1/auth/email/verify", json!({"token": token}))
        .await
}

#[tokio::test]
async fn a_lost_link_comes_again_with_the_same_password() {
    let (stage, tenant) = demo().await;
    register(&stage, PASSWORD).await;
    // The first one is too old by now.
    stage.clock.advance(Duration::from_hours(25));
    resend(&stage, ADA).await;
    stage.clock.advance(Duration::from_secs(1));
    resend(&stage, ADA).await;
    let again = links(&stage, tenant.id, AGAIN).await;
    let first = links(&stage, tenant.id, REGISTERED).await;
    verify(&stage, &first[0])
        .await
        .refused(401, "invalid_token");
    verify(&stage, &again[0])
        .await
        .refused(401, "invalid_token");
    verify(&stage, &again[1]).await.expect(200);
    try_login(&stage, "demo", ADA, PASSWORD).await.expect(200);
    resend(&stage, ADA).await;
    assert_eq!(announced(&stage, AGAIN).await, 2);
}

#[tokio::test]
async fn nobody_else_is_written_to() {
    let (stage, tenant) = demo().await;
    let body = json!({"email": "invited@demo.example", "name": "In Vited"});
    stage
        .as_(&tenant.admin)
        .post("/api/v1/users", body)
        .await
        .expect(201);
    for email in [
        "nobody@example.org",
        "customer@demo.example",
        "invited@demo.example",
    ] {
        let answer = resend(&stage, email).await;
        assert_eq!(answer.json(), json!({"status": "check_mail"}));
    }
    assert_eq!(announced(&stage, AGAIN).await, 0);
}

#[tokio::test]
async fn a_stranger_who_registered_too_gets_no_link_sent_again() {
    let (stage, _) = demo().await;
    register(&stage, PASSWORD).await;
    stage.clock.advance(Duration::from_secs(1));
    register(&stage, "the stranger's own password").await;
    resend(&stage, ADA).await;
    assert_eq!(announced(&stage, AGAIN).await, 0);
}

#[tokio::test]
async fn an_invitation_is_sent_again_by_whoever_may_add_people() {
    let (stage, tenant) = demo().await;
    let manager = stage.as_(&tenant.manager);
    let body = json!({"email": ADA, "name": "Ada Lovelace", "role": "expert"});
    let id = manager.post("/api/v1/users", body).await.expect(201).id();
    let path = format!("/api/v1/users/{id}/invite");
    stage.clock.advance(Duration::from_secs(1));
    manager.post(&path, json!({})).await.expect(202);
    let tokens = links(&stage, tenant.id, INVITED).await;
    let accept = async |token: &str| {
        let body = json!({"token": token, "password": PASSWORD});
        stage
            .stranger()
            .post("/api/v1/auth/invite/accept", body)
            .await
    };
    accept(&tokens[0]).await.refused(401, "invalid_token");
    accept(&tokens[1]).await.expect(200);
    assert_eq!(audited(&stage, "identity.user.invited").await, 1);
    manager
        .post(&path, json!({}))
        .await
        .refused(409, "illegal_status");

    stage
        .as_(&tenant.expert)
        .post(&path, json!({}))
        .await
        .refused(403, "forbidden");
    let other = stage.tenant("other").await;
    stage
        .as_(&other.admin)
        .post(&path, json!({}))
        .await
        .refused(404, "not_found");
    let body = json!({"email": "boss@example.org", "name": "The Boss", "role": "admin"});
    let admin = stage.as_(&tenant.admin);
    let boss = admin.post("/api/v1/users", body).await.expect(201).id();
    manager
        .post(&format!("/api/v1/users/{boss}/invite"), json!({}))
        .await
        .refused(403, "role_too_powerful");
}

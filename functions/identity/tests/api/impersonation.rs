use std::time::Duration;

use access::token::ActClaim;
use serde_json::{Value, json};
use testkit::{Client, Person, TestApp, TestResponse, TestTenant};

use super::{add, announced, bearer, count, demo, execute, login};

const ALLOW: &str = "update access.tenants set settings = settings || '{\"impersonation_by_admins\": true}' where slug = 'demo'";

async fn ask(client: &Client, person: &Person) -> TestResponse {
    let body = json!({"user_id": person.id, "reason": "ticket T-1042", "minutes": 15});
    client.post("/api/v1/auth/impersonate", body).await
}

/// A staff member acting in the tenant.
async fn staff(app: &TestApp, tenant: &TestTenant) -> (Person, Client) {
    let person = app.superadmin().await;
    let client = app
        .as_user(&person)
        .with("x-tenant-id", &tenant.id.to_string())
        .with("x-reason", "ticket T-1042");
    (person, client)
}

#[tokio::test]
async fn staff_impersonation_is_masked_and_read_only() {
    let (app, tenant) = demo().await;
    let (person, client) = staff(&app, &tenant).await;
    let answer = ask(&client, &tenant.manager).await.expect(200).json();
    assert_eq!(
        (&answer["expires_in"], &answer["token_type"]),
        (&json!(900), &json!("Bearer"))
    );
    assert!(answer.get("refresh_token").is_none());
    let looking = bearer(&app, &answer);
    let me = looking.get("/api/v1/me").await.expect(200).json();
    assert_eq!(
        (&me["id"], &me["email"]),
        (&json!(tenant.manager.id), &json!("m•••@demo.example"))
    );
    let users = looking.get("/api/v1/users").await.expect(200).json();
    for user in users["items"].as_array().unwrap() {
        assert!(user["email"].as_str().unwrap().contains('•'), "{user}");
    }
    // Nor can a masked address be found by searching.
    let found = looking
        .get("/api/v1/users?q=expert%40demo")
        .await
        .expect(200)
        .json();
    assert_eq!(found["items"], json!([]));
    let status = looking.get("/api/v1/auth/status").await.expect(200).json();
    assert_eq!(status["role"], "manager");
    assert!(
        status["permissions"]
            .get("identity.user.read_sensitive")
            .is_none()
    );
    assert_eq!(status["user"]["email"], "m•••@demo.example");

    let customer = format!("/api/v1/users/{}", tenant.customer.id);
    for answer in [
        looking.put("/api/v1/me", json!({"locale": "de"})).await,
        looking.patch(&customer, json!({"locale": "de"})).await,
        looking.delete(&customer).await,
        looking
            .post(
                "/api/v1/users",
                json!({"email": "x@y.example", "name": "X"}),
            )
            .await,
        looking
            .post("/api/v1/auth/logout?all=true", json!({}))
            .await,
        ask(&looking, &tenant.customer).await,
    ] {
        answer.expect_problem(403, "impersonation_read_only");
    }

    // All users involved can see it.
    let activity = format!("/api/v1/users/{}/activity", tenant.manager.id);
    let manager = app.as_user(&tenant.manager);
    let page = manager.get(&activity).await.expect(200).json();
    let act = &page["items"][0];
    assert_eq!(act["action"], "identity.session.impersonated");
    assert_eq!(act["actor"], json!({"kind": "superadmin", "id": person.id}));
    assert_eq!(act["reason"], "ticket T-1042");
    let sessions = manager
        .get("/api/v1/auth/sessions")
        .await
        .expect(200)
        .json();
    let acting: Vec<&Value> = sessions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["acting"])
        .collect();
    assert!(acting.contains(&&act["actor"]), "{acting:?}");
    assert_eq!(
        announced(&app, "de.revalenz.identity.session.impersonated.v1").await,
        1
    );

    app.clock.advance(Duration::from_secs(901));
    looking
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn admins_impersonate_lower_roles_if_the_organisation_allows_it() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    ask(&admin, &tenant.customer)
        .await
        .expect_problem(403, "impersonation_refused");
    execute(&app, ALLOW).await;
    let answer = ask(&admin, &tenant.customer).await.expect(200).json();
    bearer(&app, &answer).get("/api/v1/me").await.expect(200);
    let second = app.person(tenant.id, "admin", "second@demo.example").await;
    for person in [&second, &tenant.admin] {
        ask(&admin, person)
            .await
            .expect_problem(403, "impersonation_refused");
    }
    ask(&app.as_user(&tenant.manager), &tenant.customer)
        .await
        .expect_problem(403, "forbidden");
    let key = app.key(tenant.id, &["identity.user.impersonate"]).await;
    ask(&key, &tenant.customer)
        .await
        .expect_problem(403, "not_a_person");
    let theirs = app.tenant("other").await;
    ask(&admin, &theirs.customer)
        .await
        .expect_problem(404, "not_found");
    let (_, client) = staff(&app, &tenant).await;
    ask(&client, &theirs.customer)
        .await
        .expect_problem(404, "not_found");
    execute(
        &app,
        "update identity.users set status = 'locked' where email = 'expert@demo.example'",
    )
    .await;
    ask(&admin, &tenant.expert)
        .await
        .expect_problem(403, "impersonation_refused");
    for (field, value) in [
        ("minutes", json!(61)),
        ("minutes", json!(0)),
        ("reason", json!(" ")),
    ] {
        let mut body = json!({"user_id": tenant.customer.id, "reason": "because"});
        body[field] = value;
        admin
            .post("/api/v1/auth/impersonate", body)
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn impersonation_ends_with_the_actors_session_or_role_or_by_the_user() {
    let (app, tenant) = demo().await;
    execute(&app, ALLOW).await;
    let admin = app.as_user(&tenant.admin);
    let id = add(&app, &tenant, "admin", "second@demo.example").await;
    let looks = async |own: &Client| {
        let answer = ask(own, &tenant.customer).await.expect(200).json();
        let looking = bearer(&app, &answer);
        looking.get("/api/v1/me").await.expect(200);
        (looking, answer["session_id"].as_str().unwrap().to_owned())
    };
    let own = bearer(&app, &login(&app, "second@demo.example").await);
    let (looking, _) = looks(&own).await;
    own.post("/api/v1/auth/logout", json!({})).await.expect(204);
    looking
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");

    let own = bearer(&app, &login(&app, "second@demo.example").await);
    let (looking, _) = looks(&own).await;
    admin
        .put(&format!("/api/v1/users/{id}"), json!({"role": "manager"}))
        .await
        .expect(200);
    looking
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");

    let (looking, session) = looks(&admin).await;
    let customer = app.as_user(&tenant.customer);
    customer
        .delete(&format!("/api/v1/auth/sessions/{session}"))
        .await
        .expect(204);
    looking
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    customer.get("/api/v1/me").await.expect(200);

    let (looking, session) = looks(&admin).await;
    let path = format!("/api/v1/users/{}/sessions/{session}", tenant.customer.id);
    app.as_user(&tenant.manager).delete(&path).await.expect(204);
    looking
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_and_its_session_must_name_the_same_actor() {
    let (app, tenant) = demo().await;
    execute(&app, ALLOW).await;
    let answer = ask(&app.as_user(&tenant.admin), &tenant.customer)
        .await
        .expect(200)
        .json();
    let session: ids::SessionId = answer["session_id"].as_str().unwrap().parse().unwrap();
    let act = |person: &Person| ActClaim {
        sub: person.id,
        tid: person.tenant,
        sid: person.session,
    };
    let second = app.person(tenant.id, "admin", "second@demo.example").await;
    let try_with = async |sid, act: Option<ActClaim>| {
        let mut claims = app.claims(&tenant.customer);
        (claims.sid, claims.act) = (sid, act);
        let token = app.signer().sign(&claims).unwrap();
        app.anonymous()
            .bearer(&token)
            .get("/api/v1/me")
            .await
            .status
            .as_u16()
    };
    assert_eq!(try_with(session, Some(act(&tenant.admin))).await, 200);
    // The user's own session has no impersonator, and this one names the admin.
    assert_eq!(try_with(session, None).await, 401);
    assert_eq!(try_with(session, Some(act(&second))).await, 401);
    assert_eq!(
        try_with(tenant.customer.session, Some(act(&tenant.admin))).await,
        401
    );
    let others = ActClaim {
        sid: second.session,
        ..act(&tenant.admin)
    };
    assert_eq!(try_with(session, Some(others)).await, 401);
    let marked =
        "select count(*) from access.sessions where acting_kind = 'user' and acting_id is not null";
    assert_eq!(count(&app, marked).await, 1);
}

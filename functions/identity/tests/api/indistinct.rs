//! Responses for known and unknown accounts are identical; only the email differs.

use access::AppState;
use db::Db;
use http::HeaderMap;
use identity::config::Settings;
use serde_json::{Value, json};
use testkit::{Client, TestApp};
use web::Service;

use super::{PASSWORD, add, demo, page};

/// Raises the email limits above what this test requests.
fn without_mail_limits(db: Db, state: AppState) -> Service {
    let settings = Settings {
        mails_per_account: 100,
        failures_per_account: 100,
        ..Settings::default()
    };
    identity::service_with(db, state, settings)
}

/// The observable part of a response: status, body and headers, without values that differ every time.
async fn observe(client: &Client, path: &str, body: Value) -> (u16, Value, HeaderMap) {
    let answer = client.post(&format!("/api/v1/auth/{path}"), body).await;
    let mut document = answer.json();
    if let Some(members) = document.as_object_mut() {
        members.remove("request_id");
        if let Some(code) = members.get_mut("code").filter(|_| answer.status == 202) {
            assert!(code.is_null() || code.as_str().is_some_and(|code| code.len() == 6));
            *code = json!(code.is_null());
        }
    }
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    if let Some(cookie) = headers.remove("set-cookie") {
        let text = cookie.to_str().unwrap().to_owned();
        let value = text.split(['=', ';']).nth(1).unwrap();
        headers.insert("set-cookie", text.replace(value, "").parse().unwrap());
    }
    (answer.status.as_u16(), document, headers)
}

async fn people(app: &TestApp, tenant: &testkit::TestTenant) {
    add(app, tenant, "customer", "known@demo.example").await;
    let admin = app.as_user(&tenant.admin);
    let body = json!({"email": "invited@demo.example", "name": "In Vited"});
    admin.post("/api/v1/users", body).await.expect(201);
    let gone = add(app, tenant, "customer", "gone@demo.example").await;
    let path = format!("/api/v1/users/{gone}");
    admin.delete(&path).await.expect(204);
}

/// The requests to send for an address.
type Body = fn(&str) -> Value;

#[tokio::test]
async fn known_and_unknown_accounts_are_indistinguishable() {
    let app = TestApp::new(&[("identity", without_mail_limits)]).await;
    let tenant = app.tenant("demo").await;
    people(&app, &tenant).await;
    let bodies: [(&str, Body); 5] = [
        (
            "login",
            |email| json!({"tenant": "demo", "email": email, "password": "wrong horse battery"}),
        ),
        (
            "register",
            |email| json!({"tenant": "demo", "email": email, "password": PASSWORD, "name": "Some One"}),
        ),
        (
            "password/forgot",
            |email| json!({"tenant": "demo", "email": email}),
        ),
        (
            "email/verify/resend",
            |email| json!({"tenant": "demo", "email": email}),
        ),
        (
            "magic-link",
            |email| json!({"tenant": "demo", "email": email}),
        ),
    ];
    for client in [app.anonymous(), page(&app)] {
        for (path, body) in bodies {
            let unknown = observe(&client, path, body("nobody@demo.example")).await;
            assert!(matches!(unknown.0, 202 | 401), "{path}: {unknown:?}");
            for email in [
                "known@demo.example",
                "invited@demo.example",
                "gone@demo.example",
            ] {
                let known = observe(&client, path, body(email)).await;
                assert_eq!(known, unknown, "{path} {email}");
            }
        }
    }
}

#[tokio::test]
async fn known_and_unknown_tenants_are_indistinguishable() {
    let (app, _) = demo().await;
    for path in ["password/forgot", "email/verify/resend", "magic-link"] {
        let client = app.anonymous();
        let body = |place: &str| json!({"tenant": place, "email": "nobody@demo.example"});
        let known = observe(&client, path, body("demo")).await;
        assert_eq!(
            observe(&client, path, body("nosuch")).await,
            known,
            "{path}"
        );
    }
}

//! identity over HTTP, with a real database per test.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a broken expectation is the answer"
)]

mod activity;
mod authenticator;
mod authority;
mod bootstrap;
mod cookie;
mod custom_roles;
mod devices;
mod email_change;
mod expertise;
mod factors;
mod flood;
mod forged;
mod id_tokens;
mod identities;
mod impersonation;
mod import;
mod indistinct;
mod invite;
mod jobs;
mod login;
mod logout;
mod magic_link;
mod mail_limits;
mod mfa;
mod new_device;
mod oauth;
mod openapi;
mod passkeys;
mod passwords;
mod profile;
mod rates;
mod refresh;
mod register;
mod required_factor;
mod resend;
mod roles;
mod seats;
mod step_up;
mod throttle;
mod tokens;
mod user_list;
mod users;

use access::Purpose;
use ids::TenantId;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestResponse, TestTenant};

/// A password that satisfies all rules.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A test app with only this function.
pub(crate) async fn app() -> TestApp {
    TestApp::new(&[("identity", identity::service)]).await
}

/// A test app with a tenant `demo`.
pub(crate) async fn demo() -> (TestApp, TestTenant) {
    let app = app().await;
    let tenant = app.tenant("demo").await;
    (app, tenant)
}

/// Adds a user who can sign in with [`PASSWORD`], and returns their ID.
pub(crate) async fn add(app: &TestApp, tenant: &TestTenant, role: &str, email: &str) -> String {
    let body = json!({"email": email, "name": "Some One", "role": role, "password": PASSWORD});
    app.as_user(&tenant.admin)
        .post("/api/v1/users", body)
        .await
        .expect(201)
        .id()
}

/// Signs in and returns the response.
pub(crate) async fn try_login(
    app: &TestApp,
    tenant: &str,
    email: &str,
    password: &str,
) -> TestResponse {
    let body = json!({"tenant": tenant, "email": email, "password": password});
    app.anonymous().post("/api/v1/auth/login", body).await
}

/// Signs in and returns the tokens.
pub(crate) async fn login(app: &TestApp, email: &str) -> Value {
    try_login(app, "demo", email, PASSWORD)
        .await
        .expect(200)
        .json()
}

/// Refreshes and returns the response.
pub(crate) async fn try_refresh(app: &TestApp, token: &Value) -> TestResponse {
    app.anonymous()
        .post("/api/v1/auth/refresh", json!({"refresh_token": token}))
        .await
}

/// The caller with the access token of a response.
pub(crate) fn bearer(app: &TestApp, tokens: &Value) -> Client {
    app.anonymous()
        .bearer(tokens["access_token"].as_str().unwrap())
}

/// The unsealed links of all events of this type, latest last.
pub(crate) async fn links(app: &TestApp, tenant: TenantId, kind: &str) -> Vec<String> {
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar(
        "select sealed from events.outbox where tenant_id = $1 and type = $2 order by occurred_at, aggregate_version",
    )
    .bind(tenant)
    .bind(kind)
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    let open = |sealed: &Vec<u8>| {
        let plain =
            app.state
                .keyring()
                .open(Purpose::Notifications, tenant.uuid().as_bytes(), sealed);
        String::from_utf8(plain.unwrap()).unwrap()
    };
    sealed.iter().map(open).collect()
}

/// Headers of a browser on a page of the platform's own site.
pub(crate) fn page(app: &TestApp) -> Client {
    app.anonymous()
        .with("origin", testkit::PUBLIC_URL)
        .with("sec-fetch-site", "same-origin")
        .with("x-csrf-token", "1")
}

/// The cookie that a response sets, as the browser sends it back.
pub(crate) fn cookie_of(answer: &TestResponse) -> String {
    let set = answer.header("set-cookie");
    set.split(';').next().unwrap_or_default().to_owned()
}

/// The number of events of this type.
pub(crate) async fn announced(app: &TestApp, kind: &str) -> i64 {
    sqlx::query_scalar("select count(*) from events.outbox where type = $1")
        .bind(kind)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap()
}

/// The number of audit log entries with this action.
pub(crate) async fn audited(app: &TestApp, action: &str) -> i64 {
    sqlx::query_scalar("select count(*) from access.audit_log where action = $1")
        .bind(action)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap()
}

/// Reads a number from the database.
pub(crate) async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap()
}

/// Reads a text from the database.
pub(crate) async fn text(app: &TestApp, sql: &'static str) -> String {
    sqlx::query_scalar(sql)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap()
}

/// Executes a statement to set up a test.
pub(crate) async fn execute(app: &TestApp, sql: &'static str) {
    sqlx::raw_sql(sql)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
}

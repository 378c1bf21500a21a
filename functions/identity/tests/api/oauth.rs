//! Signing in with an OpenID Connect provider.

use std::{sync::Arc, time::Duration};

use access::opaque::sha256;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, header};
use identity::{Providers, config::Settings};
use serde_json::{Value, json};
use testkit::{
    PUBLIC_URL, TestApp, TestResponse, TestTenant,
    fake_issuer::{CLIENT_ID, CLIENT_SECRET, FakeIssuer, KeyPair, KeySet},
};
use url::{Url, form_urlencoded};

use super::{PASSWORD, add, announced, audited, bearer, count, execute, links, try_login};

/// The page of the tenant `demo`.
pub(crate) const PAGE: &str = "https://app.demo.example/in";

/// A test app with a tenant `demo`, its page, and an issuer `fake`.
pub(crate) struct ProviderTest {
    pub(crate) app: TestApp,
    pub(crate) tenant: TestTenant,
    pub(crate) issuer: FakeIssuer,
}

pub(crate) async fn provider_test() -> ProviderTest {
    let issuer = FakeIssuer::start().await;
    let provider = json!({
        "name": "fake", "label": "Fake", "issuer": issuer.url(), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
    });
    provider_test_with(issuer, &json!([provider])).await
}

async fn provider_test_with(issuer: FakeIssuer, providers: &Value) -> ProviderTest {
    let providers = Providers::parse(&providers.to_string(), true).unwrap();
    let make = move |db, state| {
        let settings = Settings {
            providers: providers.clone(),
            ..Settings::default()
        };
        identity::service_with(db, state, settings)
    };
    let app = TestApp::from_factories(vec![("identity", Arc::new(make))]).await;
    issuer.use_clock(&app.clock);
    let tenant = app.tenant("demo").await;
    execute(
        &app,
        "insert into access.origins (tenant_id, origin, created_at)
        select tenant_id, 'https://app.demo.example', now() from access.tenants where slug = 'demo'",
    )
    .await;
    ProviderTest {
        app,
        tenant,
        issuer,
    }
}

/// A query parameter of the response's `Location`.
pub(crate) fn query_parameter(answer: &TestResponse, name: &str) -> Option<String> {
    let url = Url::parse(answer.header("location")).unwrap();
    url.query_pairs()
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

impl ProviderTest {
    /// Starts a sign-in; the browser is redirected to the issuer.
    pub(crate) async fn start(&self, more: &str) -> TestResponse {
        let path = format!("/api/v1/auth/oauth/fake?tenant=demo&redirect_to={PAGE}{more}");
        self.app.anonymous().get(&path).await.expect(303)
    }

    /// Completes the redirect from the issuer, with the cookies of this browser or another one.
    pub(crate) async fn return_from_issuer(&self, back: &str, cookie: &str) -> TestResponse {
        let url = Url::parse(back).unwrap();
        let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        self.app.anonymous().with("cookie", cookie).get(&path).await
    }

    /// Runs the whole flow up to the page.
    pub(crate) async fn run_flow(&self) -> TestResponse {
        self.run_flow_from(self.start("").await).await
    }

    pub(crate) async fn run_flow_from(&self, started: TestResponse) -> TestResponse {
        let back = consent(&started).await;
        self.return_from_issuer(&back, &cookie(&started))
            .await
            .expect(303)
    }

    /// The page redeems its code.
    pub(crate) async fn redeem(&self, code: &str) -> TestResponse {
        self.app
            .anonymous()
            .post("/api/v1/auth/oauth/token", json!({"code": code}))
            .await
    }

    /// Signs in and returns the tokens.
    pub(crate) async fn sign_in(&self) -> Value {
        let code = query_parameter(&self.run_flow().await, "code").unwrap();
        self.redeem(&code).await.expect(200).json()
    }

    /// Runs the whole flow and returns the error that the page receives.
    pub(crate) async fn error(&self) -> String {
        let answer = self.run_flow().await;
        assert_eq!(query_parameter(&answer, "code"), None);
        query_parameter(&answer, "error").unwrap()
    }
}

/// The cookie that a response sets.
pub(crate) fn cookie(answer: &TestResponse) -> String {
    let set = answer.header("set-cookie");
    set.split(';').next().unwrap().to_owned()
}

/// The user consents at the issuer; returns the URL that the browser is redirected to.
pub(crate) async fn consent(started: &TestResponse) -> String {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let answer = http.get(started.header("location")).send().await.unwrap();
    assert_eq!(answer.status(), 302, "{}", started.header("location"));
    answer.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_new_user_signs_in_and_is_recognised_the_next_time() {
    let provider_test = provider_test().await;
    let started = provider_test.start("").await;
    let set = started.header("set-cookie");
    assert!(set.starts_with("__Host-oauth-"), "{set}");
    assert!(
        set.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );
    let away = started.header("location");
    assert!(away.starts_with(&format!(
        "{}/authorize?response_type=code&",
        provider_test.issuer.url()
    )));
    let back = consent(&started).await;
    assert!(back.starts_with(&format!(
        "{PUBLIC_URL}/api/v1/auth/oauth/fake/callback?code="
    )));
    let returned = provider_test
        .return_from_issuer(&back, &cookie(&started))
        .await
        .expect(303);
    assert!(
        returned
            .header("location")
            .starts_with(&format!("{PAGE}?code="))
    );
    assert_eq!(returned.header("referrer-policy"), "no-referrer");
    assert!(
        returned
            .header("set-cookie")
            .contains("=; Path=/; Max-Age=0;")
    );
    assert!(returned.body.is_empty());

    let tokens = provider_test
        .redeem(&query_parameter(&returned, "code").unwrap())
        .await
        .expect(200)
        .json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["refresh_token"].as_str().unwrap().len(), 112);
    let user = &tokens["user"];
    assert_eq!(user["email"], "ada@example.org");
    assert_eq!(
        (&user["name"], &user["role"]),
        (&json!("Ada Lovelace"), &json!("customer"))
    );
    assert_eq!(user["status"], "active");
    let status = bearer(&provider_test.app, &tokens)
        .get("/api/v1/auth/status")
        .await
        .expect(200)
        .json();
    assert_eq!(status["session"]["amr"], json!(["fed"]));

    // The address may change at the provider; issuer and subject identify the user.
    provider_test
        .issuer
        .person(json!({"email": "new@example.org", "email_verified": false}));
    assert_eq!(provider_test.sign_in().await["user"]["id"], user["id"]);
    assert_eq!(
        audited(&provider_test.app, "identity.oauth_identity.linked").await,
        1
    );
    assert_eq!(
        announced(&provider_test.app, "de.revalenz.identity.user.activated.v1").await,
        1
    );
    // The account is in both tables.
    let mirrored =
        "select count(*) from access.people where email = 'ada@example.org' and status = 'active'";
    assert_eq!(count(&provider_test.app, mirrored).await, 1);
}

#[tokio::test]
async fn a_page_sees_the_providers_of_its_organisation() {
    let provider_test = provider_test().await;
    let names = async |slug: &str| {
        let path = format!("/api/v1/auth/providers?tenant={slug}");
        provider_test
            .app
            .anonymous()
            .get(&path)
            .await
            .expect(200)
            .json()["items"]
            .clone()
    };
    let all = json!([{"name": "fake", "label": "Fake"}]);
    assert_eq!(names("demo").await, all);
    assert_eq!(names("nosuch").await, all);
    execute(
        &provider_test.app,
        r#"update access.tenants set settings = '{"sign_in": {"providers": ["other"]}}' where slug = 'demo'"#,
    )
    .await;
    assert_eq!(names("demo").await, json!([]));
    let path = format!("/api/v1/auth/oauth/fake?tenant=demo&redirect_to={PAGE}");
    provider_test
        .app
        .anonymous()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn redirects_go_only_to_pages_of_the_organisation() {
    let provider_test = provider_test().await;
    provider_test.app.tenant("other").await;
    execute(
        &provider_test.app,
        "insert into access.origins (tenant_id, origin, created_at)
        select tenant_id, 'https://app.other.example', now() from access.tenants where slug = 'other'",
    )
    .await;
    let start = async |page: &str| {
        let page: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
        let path = format!("/api/v1/auth/oauth/fake?tenant=demo&redirect_to={page}");
        provider_test.app.anonymous().get(&path).await
    };
    for good in [
        "https://app.demo.example",
        "https://APP.demo.example:443/x?y=z",
        "https://api.revalenz.example/in",
    ] {
        start(good).await.expect(303);
    }
    for bad in [
        "https://app.other.example/",
        "https://app.demo.example.evil.example/",
        "https://app.demo.example:8443/",
        "http://app.demo.example/",
        "https://app.demo.example@evil.example/",
        "https://evil.example\\@app.demo.example/",
        "https://user@app.demo.example/",
        "https://app.demo.example/#code",
        "//app.demo.example/",
        "/in",
        "javascript:alert(1)",
        "data:text/html,x",
        "null",
        "https://localhost/",
        "",
    ] {
        start(bad).await.expect_problem(403, "redirect_not_allowed");
    }
    start(&format!("https://app.demo.example/{}", "x".repeat(1_000)))
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn an_unknown_organisation_cannot_be_signed_in_to() {
    let provider_test = provider_test().await;
    let path = format!("/api/v1/auth/oauth/fake?tenant=nosuch&redirect_to={PUBLIC_URL}/");
    let started = provider_test.app.anonymous().get(&path).await.expect(303);
    let returned = provider_test.run_flow_from(started).await;
    assert_eq!(
        query_parameter(&returned, "error").as_deref(),
        Some("sign_in_expired")
    );
    assert_eq!(provider_test.issuer.request_count("/token"), 0);
}

#[tokio::test]
async fn a_state_is_used_once_even_concurrently() {
    let provider_test = provider_test().await;
    let started = provider_test.start("").await;
    let (back, cookie) = (consent(&started).await, cookie(&started));
    let many = (0..4).map(|_| provider_test.return_from_issuer(&back, &cookie));
    let answers = futures::future::join_all(many).await;
    let good: Vec<String> = answers
        .iter()
        .filter_map(|answer| query_parameter(answer, "code"))
        .collect();
    assert_eq!(good.len(), 1);
    // Some requests may be refused under load; the code is issued at most once.
    let refused = answers
        .iter()
        .filter_map(|answer| query_parameter(answer, "error"));
    for error in refused {
        assert!(
            ["sign_in_expired", "unavailable"].contains(&error.as_str()),
            "{error}"
        );
    }
    assert_eq!(provider_test.issuer.request_count("/token"), 1);

    let many = (0..4).map(|_| provider_test.redeem(&good[0]));
    let answers = futures::future::join_all(many).await;
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(401) + count(503)), (1, 3));
}

#[tokio::test]
async fn a_state_is_bound_to_its_browser_and_provider_for_ten_minutes() {
    let provider_test = provider_test().await;
    let started = provider_test.start("").await;
    let (back, own) = (consent(&started).await, cookie(&started));
    let other = cookie(&provider_test.start("").await);
    let (name, value) = own.split_once('=').unwrap();
    let foreign = format!("{name}={}", other.split_once('=').unwrap().1);
    let mut changed = value.to_owned();
    changed.replace_range(20..21, if &value[20..21] == "A" { "B" } else { "A" });
    for bad in [
        "",
        "a=b",
        &other,
        &foreign,
        &format!("{name}={changed}"),
        &format!("{name}="),
    ] {
        provider_test
            .return_from_issuer(&back, bad)
            .await
            .expect_problem(400, "sign_in_expired");
    }
    for path in [
        "/api/v1/auth/oauth/fake/callback",
        "/api/v1/auth/oauth/fake/callback?state=x&code=y",
        "/api/v1/auth/oauth/fake/callback?error=access_denied",
    ] {
        let client = provider_test.app.anonymous().with("cookie", &own);
        client
            .get(path)
            .await
            .expect_problem(400, "sign_in_expired");
    }
    provider_test
        .return_from_issuer(&back.replace("/fake/", "/other/"), &own)
        .await
        .expect_problem(404, "not_found");
    provider_test.app.clock.advance(Duration::from_mins(10));
    provider_test
        .return_from_issuer(&back, &own)
        .await
        .expect_problem(400, "sign_in_expired");
    assert_eq!(provider_test.issuer.request_count("/token"), 0);
}

#[tokio::test]
async fn two_tabs_can_sign_in_independently() {
    let provider_test = provider_test().await;
    let (one, two) = (provider_test.start("").await, provider_test.start("").await);
    let both = format!("{}; {}", cookie(&one), cookie(&two));
    for started in [&one, &two] {
        let returned = provider_test
            .return_from_issuer(&consent(started).await, &both)
            .await;
        assert!(query_parameter(&returned, "code").is_some());
    }
}

#[tokio::test]
async fn a_code_is_valid_for_a_minute_with_its_verifier() {
    let provider_test = provider_test().await;
    let code = query_parameter(&provider_test.run_flow().await, "code").unwrap();
    provider_test.app.clock.advance(Duration::from_mins(1));
    provider_test
        .redeem(&code)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    for garbage in ["x", &code[1..], &format!("{code}A")] {
        provider_test
            .redeem(garbage)
            .await
            .expect_problem(401, "invalid_sign_in_code");
    }

    let secret = "the secret of a page, long enough for RFC 7636";
    let challenge = URL_SAFE_NO_PAD.encode(sha256(secret.as_bytes()));
    let started = provider_test
        .start(&format!("&code_challenge={challenge}"))
        .await;
    let code = query_parameter(&provider_test.run_flow_from(started).await, "code").unwrap();
    provider_test
        .redeem(&code)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    let with = async |verifier: &str| {
        let body = json!({"code": code, "code_verifier": verifier});
        provider_test
            .app
            .anonymous()
            .post("/api/v1/auth/oauth/token", body)
            .await
    };
    with(&secret.to_uppercase())
        .await
        .expect_problem(401, "invalid_sign_in_code");
    with(secret).await.expect(200);

    // An unexpected verifier is refused like a wrong one.
    let code = query_parameter(&provider_test.run_flow().await, "code").unwrap();
    let body = json!({"code": code, "code_verifier": secret});
    let answer = provider_test
        .app
        .anonymous()
        .post("/api/v1/auth/oauth/token", body)
        .await;
    answer.expect_problem(401, "invalid_sign_in_code");
    let bad =
        format!("/api/v1/auth/oauth/fake?tenant=demo&redirect_to={PAGE}&code_challenge=short");
    provider_test
        .app
        .anonymous()
        .get(&bad)
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn a_code_is_redeemed_only_on_pages_of_the_organisation() {
    let provider_test = provider_test().await;
    let code = query_parameter(&provider_test.run_flow().await, "code").unwrap();
    let page = provider_test
        .app
        .anonymous()
        .with("origin", "https://evil.example");
    page.post("/api/v1/auth/oauth/token", json!({"code": code}))
        .await
        .expect_problem(403, "origin_not_allowed");
    let own = provider_test
        .app
        .anonymous()
        .with("origin", "https://app.demo.example")
        .with("x-csrf-token", "1");
    let body = json!({"code": code, "refresh": "cookie"});
    let answer = own.post("/api/v1/auth/oauth/token", body).await.expect(200);
    assert!(answer.header("set-cookie").starts_with("__Host-refresh="));
    assert!(answer.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn a_denied_or_foreign_response_is_reported_to_the_page() {
    let provider_test = provider_test().await;
    for (query, error) in [
        ("error=access_denied", "sign_in_cancelled"),
        (
            "error=server_error&error_description=%3Cb%3E",
            "provider_refused",
        ),
        ("code=unknown", "provider_refused"),
        ("code=a&code=b", "provider_refused"),
        ("code=%00", "provider_refused"),
        ("", "provider_refused"),
        ("code=x&iss=https%3A%2F%2Fother.example", "provider_refused"),
    ] {
        let started = provider_test.start("").await;
        let state = query_parameter(&started, "state").unwrap();
        let back = format!("{PUBLIC_URL}/api/v1/auth/oauth/fake/callback?state={state}&{query}");
        let returned = provider_test
            .return_from_issuer(&back, &cookie(&started))
            .await
            .expect(303);
        assert_eq!(
            returned.header("location"),
            format!("{PAGE}?error={error}"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_address_alone_does_not_open_an_account_with_a_password() {
    let provider_test = provider_test().await;
    add(
        &provider_test.app,
        &provider_test.tenant,
        "admin",
        "ada@example.org",
    )
    .await;
    assert_eq!(provider_test.error().await, "link_requires_sign_in");
    assert_eq!(
        count(
            &provider_test.app,
            "select count(*) from identity.oauth_identities"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn an_address_verified_on_both_sides_opens_an_account_without_a_password() {
    let provider_test = provider_test().await;
    let person = provider_test
        .app
        .person(provider_test.tenant.id, "manager", "ada@example.org")
        .await;
    provider_test
        .issuer
        .person(json!({"email_verified": false}));
    assert_eq!(provider_test.error().await, "address_not_verified");
    provider_test
        .issuer
        .person(json!({"email_verified": "true"}));
    execute(
        &provider_test.app,
        "update identity.users set email_verified_at = null where email = 'ada@example.org'",
    )
    .await;
    assert_eq!(provider_test.error().await, "link_requires_sign_in");
    execute(
        &provider_test.app,
        "update identity.users set email_verified_at = now() where email = 'ada@example.org'",
    )
    .await;
    assert_eq!(
        provider_test.sign_in().await["user"]["id"],
        person.id.to_string()
    );
}

#[tokio::test]
async fn an_inactive_account_cannot_be_signed_in_to() {
    let provider_test = provider_test().await;
    let tokens = provider_test.sign_in().await;
    let user = tokens["user"]["id"].as_str().unwrap();
    let admin = provider_test.app.as_user(&provider_test.tenant.admin);
    let code = query_parameter(&provider_test.run_flow().await, "code").unwrap();
    admin
        .put(
            &format!("/api/v1/users/{user}"),
            json!({"status": "locked"}),
        )
        .await
        .expect(200);
    // Also for a sign-in in progress.
    provider_test
        .redeem(&code)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    assert_eq!(provider_test.error().await, "account_not_active");
}

#[tokio::test]
async fn an_invited_user_can_accept_by_signing_in_at_a_provider() {
    let provider_test = provider_test().await;
    let app = &provider_test.app;
    let invited = json!({"email": "boss@example.org", "name": "The Boss", "role": "admin"});
    let admin = app.as_user(&provider_test.tenant.admin);
    let id = admin.post("/api/v1/users", invited).await.expect(201).id();
    let boss = json!({"sub": "boss", "email": "boss@example.org", "email_verified": false});
    provider_test.issuer.person(boss);
    assert_eq!(provider_test.error().await, "address_not_verified");
    provider_test.issuer.person(json!({"email_verified": true}));
    let user = provider_test.sign_in().await["user"].clone();
    assert_eq!(
        (&user["id"], &user["role"], &user["name"]),
        (&json!(id), &json!("admin"), &json!("The Boss"))
    );
    assert_eq!(audited(app, "identity.user.activated").await, 1);
    // The link of the invitation is void.
    let links = links(
        app,
        provider_test.tenant.id,
        "de.revalenz.identity.user.invited.v1",
    );
    let token = links.await.pop().unwrap();
    let accept = json!({"token": token, "password": PASSWORD});
    app.anonymous()
        .post("/api/v1/auth/invite/accept", accept)
        .await
        .expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn another_subject_of_the_same_issuer_does_not_open_an_account_by_its_address() {
    let provider_test = provider_test().await;
    let first = json!({"sub": "first", "email": "desk@example.org", "email_verified": true});
    provider_test.issuer.person(first);
    let owner = provider_test.sign_in().await["user"]["id"].clone();
    // The organisation gives the address to another person.
    provider_test.issuer.person(json!({"sub": "second"}));
    assert_eq!(provider_test.error().await, "link_requires_sign_in");
    provider_test.issuer.person(json!({"sub": "first"}));
    assert_eq!(provider_test.sign_in().await["user"]["id"], owner);
}

#[tokio::test]
async fn registering_another_persons_address_gains_nothing() {
    let provider_test = provider_test().await;
    let body = json!({"tenant": "demo", "email": "ada@example.org", "password": PASSWORD, "name": "Mallory"});
    provider_test
        .app
        .anonymous()
        .post("/api/v1/auth/register", body)
        .await
        .expect(202);
    // The owner of the address gets the account, without the stranger's name and password.
    let user = provider_test.sign_in().await["user"].clone();
    assert_ne!(user["name"], "Mallory");
    try_login(&provider_test.app, "demo", "ada@example.org", PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
    let links = links(
        &provider_test.app,
        provider_test.tenant.id,
        "de.revalenz.identity.user.registered.v1",
    );
    let verify = json!({"token": links.await.pop().unwrap()});
    provider_test
        .app
        .anonymous()
        .post("/api/v1/auth/email/verify", verify)
        .await
        .expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn a_closed_or_full_organisation_accepts_no_new_users() {
    let provider_test = provider_test().await;
    execute(
        &provider_test.app,
        "update access.tenants set max_users = 6 where slug = 'demo'",
    )
    .await;
    assert_eq!(provider_test.error().await, "seats_exhausted");
    execute(
        &provider_test.app,
        r#"update access.tenants set max_users = 9, settings = '{"registration": "invite"}' where slug = 'demo'"#,
    )
    .await;
    assert_eq!(provider_test.error().await, "registration_closed");
    assert_eq!(
        count(&provider_test.app, "select count(*) from identity.users").await,
        6
    );
}

#[tokio::test]
async fn concurrent_first_sign_ins_create_one_account_and_respect_seats() {
    let provider_test = provider_test().await;
    execute(
        &provider_test.app,
        "update access.tenants set max_users = 7 where slug = 'demo'",
    )
    .await;
    let mut ways = Vec::new();
    for sub in ["ada-1", "ada-1", "bob-1", "bob-1"] {
        provider_test
            .issuer
            .person(json!({"sub": sub, "email": format!("{sub}@example.org")}));
        let started = provider_test.start("").await;
        ways.push((consent(&started).await, cookie(&started)));
    }
    let many = ways
        .iter()
        .map(|(back, cookie)| provider_test.return_from_issuer(back, cookie));
    let answers = futures::future::join_all(many).await;
    for answer in &answers {
        let error = query_parameter(answer, "error");
        assert!(
            matches!(
                error.as_deref(),
                None | Some("seats_exhausted" | "unavailable")
            ),
            "{error:?}"
        );
    }
    let codes = answers
        .iter()
        .filter(|answer| query_parameter(answer, "code").is_some())
        .count();
    assert!((1..=2).contains(&codes), "{codes}");
    assert_eq!(
        count(&provider_test.app, "select count(*) from identity.users").await,
        7
    );
    assert_eq!(
        count(
            &provider_test.app,
            "select count(*) from identity.oauth_identities"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn apple_posts_a_form_and_gets_a_signed_client_secret() {
    let issuer = FakeIssuer::start().await;
    let key = KeyPair::p256("apple-key");
    issuer.accept_apple_secret(&key.public_key());
    issuer.rotate(KeyPair::rsa("apple-rsa"));
    issuer.person(
        json!({"given_name": null, "family_name": null, "name": null, "email_verified": "true"}),
    );
    let base64 = base64::engine::general_purpose::STANDARD.encode(key.to_pkcs8());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
    let apple = json!({"team_id": "apple-team", "key_id": "apple-key", "private_key": pem});
    let provider =
        json!({"name": "fake", "issuer": issuer.url(), "client_id": CLIENT_ID, "apple": apple});
    let provider_test = provider_test_with(issuer, &json!([provider])).await;
    let started = provider_test.start("").await;
    assert_eq!(
        query_parameter(&started, "response_mode").as_deref(),
        Some("form_post")
    );
    assert_eq!(
        query_parameter(&started, "scope").as_deref(),
        Some("openid email name")
    );
    let set = started.header("set-cookie");
    assert!(set.ends_with("; SameSite=None; Secure"), "{set}");
    let back = Url::parse(&consent(&started).await).unwrap();
    let user = r#"{"name":{"firstName":"Ada","lastName":"King"},"email":"evil@example.org"}"#;
    let form = form_urlencoded::Serializer::new(back.query().unwrap().to_owned())
        .append_pair("user", user)
        .finish();
    let post = async |form: String| {
        let call = provider_test
            .app
            .anonymous()
            .call(Method::POST, back.path());
        call.header("cookie", &cookie(&started))
            .header("origin", "https://appleid.apple.com")
            .header("content-type", "application/x-www-form-urlencoded")
            .bytes(form)
            .send()
            .await
    };
    post("x".repeat(40_000))
        .await
        .expect_problem(413, "too_large");
    let returned = post(form).await.expect(303);
    let code = query_parameter(&returned, "code").unwrap();
    let user = provider_test.redeem(&code).await.expect(200).json()["user"].clone();
    assert_eq!(
        (&user["name"], &user["email"]),
        (&json!("Ada King"), &json!("ada@example.org"))
    );
}

#[tokio::test]
async fn the_client_secret_is_sent_as_the_issuer_requires() {
    let provider_test = provider_test().await;
    provider_test.sign_in().await;
    let provider_test = self::provider_test().await;
    provider_test.issuer.accept_secret_in_form();
    provider_test.sign_in().await;
}

#[tokio::test]
async fn keys_are_cached_and_fetched_again_when_they_change() {
    let provider_test = provider_test().await;
    for _ in 0..3 {
        provider_test.sign_in().await;
    }
    assert_eq!(provider_test.issuer.request_count("/keys"), 1);
    assert_eq!(
        provider_test
            .issuer
            .request_count("/.well-known/openid-configuration"),
        1
    );
    provider_test.issuer.rotate(KeyPair::p256("second"));
    // Shortly afterwards the keys are not fetched again.
    assert_eq!(provider_test.error().await, "provider_refused");
    provider_test.app.clock.advance(Duration::from_secs(10));
    provider_test.sign_in().await;
    assert_eq!(provider_test.issuer.request_count("/keys"), 2);
    provider_test.issuer.rotate(KeyPair::rsa("third"));
    provider_test.app.clock.advance(Duration::from_secs(10));
    provider_test.sign_in().await;
    provider_test.app.clock.advance(Duration::from_hours(1));
    provider_test.sign_in().await;
    assert_eq!(provider_test.issuer.request_count("/keys"), 4);
}

#[tokio::test]
async fn an_unavailable_issuer_fails_only_its_own_sign_in() {
    for (key_set, error) in [
        (KeySet::Broken, "provider_unavailable"),
        (KeySet::Slow, "provider_unavailable"),
        (KeySet::Huge, "provider_refused"),
        (KeySet::Moved, "provider_refused"),
    ] {
        let provider_test = provider_test().await;
        provider_test.issuer.serve_keys(key_set);
        assert_eq!(provider_test.error().await, error, "{key_set:?}");
        provider_test.issuer.serve_keys(KeySet::Good);
        provider_test.app.clock.advance(Duration::from_secs(10));
        provider_test.sign_in().await;
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_or_with_unsafe_addresses_are_refused() {
    for members in [
        json!({"issuer": "https://other.example"}),
        json!({"token_endpoint": "http://other.example/token"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"token_endpoint": null}),
    ] {
        let provider_test = provider_test().await;
        provider_test.issuer.metadata(members.clone());
        let started = provider_test.start("").await;
        assert_eq!(
            started.header("location"),
            format!("{PAGE}?error=provider_refused"),
            "{members}"
        );
        assert_eq!(started.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn flow_secrets_are_not_stored_in_clear() {
    let provider_test = provider_test().await;
    let started = provider_test.start("").await;
    let (state, back) = (
        query_parameter(&started, "state").unwrap(),
        consent(&started).await,
    );
    let returned = provider_test
        .return_from_issuer(&back, &cookie(&started))
        .await;
    let code = query_parameter(&returned, "code").unwrap();
    let row: String = sqlx::query_scalar("select row_to_json(f)::text from identity.oauth_flows f")
        .fetch_one(&mut provider_test.app.admin().await)
        .await
        .unwrap();
    let hex = |text: &str| -> String {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        bytes[32..]
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    };
    for secret in [&state, &code] {
        assert!(
            !row.contains(secret.as_str()) && !row.contains(&hex(secret)),
            "{row}"
        );
    }
    let nonce = query_parameter(&started, "nonce").unwrap();
    assert!(!row.contains(&nonce) && !cookie(&started).contains(&nonce));
    // Old rows are deleted.
    provider_test.app.clock.advance(Duration::from_mins(61));
    provider_test.sign_in().await;
    assert_eq!(
        count(
            &provider_test.app,
            "select count(*) from identity.oauth_flows"
        )
        .await,
        1
    );
}

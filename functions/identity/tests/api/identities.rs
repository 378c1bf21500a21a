//! Linking and unlinking identities.

use std::time::Duration;

use serde_json::json;
use testkit::{Client, TestResponse};
use url::Url;

use super::{
    PASSWORD, add, announced, audited, bearer, execute,
    oauth::{PAGE, ProviderTest, provider_test, query_parameter},
    try_login,
};

const IDENTITIES: &str = "/api/v1/auth/identities";

/// Starts linking, and returns to the page.
async fn link(provider_test: &ProviderTest, client: &Client) -> TestResponse {
    let path = "/api/v1/auth/oauth/fake/link";
    let body = json!({"redirect_to": PAGE});
    let url = client.post(path, body).await.expect(200).json()["url"].clone();
    let url = Url::parse(url.as_str().unwrap()).unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let started = provider_test.app.anonymous().get(&path).await.expect(303);
    provider_test.run_flow_from(started).await
}

async fn try_finish(client: &Client, returned: &TestResponse) -> TestResponse {
    let code = query_parameter(returned, "code").unwrap();
    client.post(IDENTITIES, json!({"code": code})).await
}

/// A signed-in user with a password.
async fn ada(provider_test: &ProviderTest, email: &str) -> Client {
    add(&provider_test.app, &provider_test.tenant, "customer", email).await;
    let tokens = try_login(&provider_test.app, "demo", email, PASSWORD)
        .await
        .expect(200)
        .json();
    bearer(&provider_test.app, &tokens)
}

#[tokio::test]
async fn a_user_with_a_password_can_link_and_sign_in_either_way() {
    let provider_test = provider_test().await;
    let ada = ada(&provider_test, "ada@example.org").await;
    let returned = link(&provider_test, &ada).await;
    // Nothing is linked yet, and the code cannot be used to sign in.
    let code = query_parameter(&returned, "code").unwrap();
    provider_test
        .redeem(&code)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    assert_eq!(
        ada.get(IDENTITIES).await.expect(200).json()["items"],
        json!([])
    );
    let linked = try_finish(&ada, &returned).await.expect(201);
    assert_eq!(linked.json()["provider"], "fake");
    assert_eq!(
        linked.header("location"),
        format!("{IDENTITIES}/{}", linked.id())
    );
    assert_eq!(
        ada.get(IDENTITIES).await.expect(200).json()["items"],
        json!([linked.json()])
    );
    try_finish(&ada, &returned)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    assert_eq!(
        provider_test.sign_in().await["user"]["email"],
        "ada@example.org"
    );
    try_login(&provider_test.app, "demo", "ada@example.org", PASSWORD)
        .await
        .expect(200);
    assert_eq!(
        audited(&provider_test.app, "identity.oauth_identity.linked").await,
        1
    );
}

#[tokio::test]
async fn a_link_url_opened_by_another_user_links_nothing() {
    let provider_test = provider_test().await;
    let (ada, mallory) = (
        ada(&provider_test, "ada@example.org").await,
        ada(&provider_test, "mallory@example.org").await,
    );
    let returned = link(&provider_test, &mallory).await;
    try_finish(&ada, &returned)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    provider_test
        .redeem(&query_parameter(&returned, "code").unwrap())
        .await
        .expect_problem(401, "invalid_sign_in_code");
    let returned = link(&provider_test, &ada).await;
    provider_test.app.clock.advance(Duration::from_mins(1));
    try_finish(&ada, &returned)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    let admin = provider_test.app.as_user(&provider_test.tenant.admin);
    let returned = link(&provider_test, &ada).await;
    try_finish(&admin, &returned)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    let strangers = link(&provider_test, &ada).await;
    let code = query_parameter(&strangers, "code").unwrap();
    let stranger = provider_test.app.anonymous();
    stranger
        .post(IDENTITIES, json!({"code": code}))
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_identity_belongs_to_one_user() {
    let provider_test = provider_test().await;
    let (ada, bob) = (
        ada(&provider_test, "ada@example.org").await,
        ada(&provider_test, "bob@example.org").await,
    );
    let (returned, race) = (
        link(&provider_test, &ada).await,
        link(&provider_test, &bob).await,
    );
    try_finish(&ada, &returned).await.expect(201);
    try_finish(&bob, &race)
        .await
        .expect_problem(409, "identity_taken");
    assert_eq!(
        query_parameter(&link(&provider_test, &bob).await, "error").as_deref(),
        Some("identity_taken")
    );
}

#[tokio::test]
async fn the_last_sign_in_method_cannot_be_removed() {
    let provider_test = provider_test().await;
    let ada = bearer(&provider_test.app, &provider_test.sign_in().await);
    let first = ada.get(IDENTITIES).await.expect(200).json()["items"][0]["id"].clone();
    let first = format!("{IDENTITIES}/{}", first.as_str().unwrap());
    ada.delete(&first).await.expect_problem(409, "last_way_in");
    provider_test.issuer.person(json!({"sub": "ada-2"}));
    let second = try_finish(&ada, &link(&provider_test, &ada).await)
        .await
        .expect(201)
        .id();
    let second = format!("{IDENTITIES}/{second}");
    provider_test
        .app
        .as_user(&provider_test.tenant.admin)
        .delete(&second)
        .await
        .expect_problem(404, "not_found");
    let (one, other) = tokio::join!(ada.delete(&first), ada.delete(&second));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(
        audited(&provider_test.app, "identity.oauth_identity.unlinked").await,
        1
    );
}

#[tokio::test]
async fn with_a_password_the_only_identity_can_be_unlinked() {
    let provider_test = provider_test().await;
    let ada = ada(&provider_test, "ada@example.org").await;
    let id = try_finish(&ada, &link(&provider_test, &ada).await)
        .await
        .expect(201)
        .id();
    ada.delete(&format!("{IDENTITIES}/{id}")).await.expect(204);
    ada.delete(&format!("{IDENTITIES}/{id}"))
        .await
        .expect_problem(404, "not_found");
    ada.delete(&format!("{IDENTITIES}/x"))
        .await
        .expect_problem(404, "not_found");
    assert_eq!(provider_test.error().await, "link_requires_sign_in");
}

#[tokio::test]
async fn an_unlinked_identity_is_not_linked_again_by_its_address() {
    let provider_test = provider_test().await;
    let app = &provider_test.app;
    let tokens = provider_test.sign_in().await;
    let client = bearer(app, &tokens);
    // With a second way in, the first can be removed.
    execute(
        app,
        "insert into identity.oauth_identities (tenant_id, oauth_identity_id, user_id, provider, issuer, subject, created_at)
        select tenant_id, gen_random_uuid(), user_id, 'other', 'https://other.example', 'ada', now() from identity.oauth_identities",
    )
    .await;
    let identities = client.get(IDENTITIES).await.expect(200).json();
    let fake = identities["items"].as_array().unwrap().iter();
    let id = fake
        .clone()
        .find(|identity| identity["provider"] == "fake")
        .unwrap()["id"]
        .clone();
    let path = format!("{IDENTITIES}/{}", id.as_str().unwrap());
    client.delete(&path).await.expect(204);
    assert_eq!(provider_test.error().await, "link_requires_sign_in");
    let left = client.get(IDENTITIES).await.expect(200).json();
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    // The owner can link it again.
    let returned = link(&provider_test, &client).await;
    try_finish(&client, &returned).await.expect(201);
    assert_eq!(
        provider_test.sign_in().await["user"]["id"],
        tokens["user"]["id"]
    );
    for (event, times) in [("linked", 2), ("unlinked", 1)] {
        let name = format!("de.revalenz.identity.identity.{event}.v1");
        assert_eq!(announced(app, &name).await, times, "{event}");
    }
}

#[tokio::test]
async fn api_keys_have_no_identities_and_links_go_to_known_pages() {
    let provider_test = provider_test().await;
    let key = provider_test
        .app
        .key(provider_test.tenant.id, &["identity.user.read"])
        .await;
    key.get(IDENTITIES)
        .await
        .expect_problem(403, "not_a_person");
    let path = "/api/v1/auth/oauth/fake/link";
    key.post(path, json!({"redirect_to": PAGE}))
        .await
        .expect_problem(403, "not_a_person");
    let admin = provider_test.app.as_user(&provider_test.tenant.admin);
    admin
        .post(path, json!({"redirect_to": "https://evil.example/"}))
        .await
        .expect_problem(403, "redirect_not_allowed");
    admin
        .post(
            "/api/v1/auth/oauth/nosuch/link",
            json!({"redirect_to": PAGE}),
        )
        .await
        .expect_problem(404, "not_found");
    let url = admin
        .post(path, json!({"redirect_to": PAGE}))
        .await
        .expect(200)
        .json()["url"]
        .clone();
    let url = Url::parse(url.as_str().unwrap()).unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    provider_test.app.clock.advance(Duration::from_mins(2));
    provider_test
        .app
        .anonymous()
        .get(&path)
        .await
        .expect_problem(400, "sign_in_expired");
    provider_test
        .app
        .anonymous()
        .get("/api/v1/auth/oauth/fake?link=AAAA")
        .await
        .expect_problem(400, "sign_in_expired");
}

#[tokio::test]
async fn identities_are_separate_per_tenant() {
    let provider_test = provider_test().await;
    let ada = provider_test.sign_in().await;
    provider_test.app.tenant("other").await;
    execute(
        &provider_test.app,
        "insert into access.origins (tenant_id, origin, created_at)
        select tenant_id, 'https://app.other.example', now() from access.tenants where slug = 'other'",
    )
    .await;
    let path = "/api/v1/auth/oauth/fake?tenant=other&redirect_to=https://app.other.example/";
    let started = provider_test.app.anonymous().get(path).await.expect(303);
    let code = query_parameter(&provider_test.run_flow_from(started).await, "code").unwrap();
    let other = provider_test.redeem(&code).await.expect(200).json();
    assert_ne!(other["user"]["id"], ada["user"]["id"]);
}

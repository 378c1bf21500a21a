//! Linking and unlinking identities.

use std::time::Duration;

use serde_json::json;
use testkit::{Client, TestResponse};
use url::Url;

use super::{
    PASSWORD, add, audited, bearer, execute,
    oauth::{PAGE, World, told, world},
    try_login,
};

const IDENTITIES: &str = "/api/v1/auth/identities";

/// Starts linking, and returns to the page.
async fn link(world: &World, client: &Client) -> TestResponse {
    let path = "/api/v1/auth/oauth/fake/link";
    let body = json!({"redirect_to": PAGE});
    let url = client.post(path, body).await.expect(200).json()["url"].clone();
    let url = Url::parse(url.as_str().unwrap()).unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let started = world.app.anonymous().get(&path).await.expect(303);
    world.walk_from(started).await
}

async fn try_finish(client: &Client, came: &TestResponse) -> TestResponse {
    let code = told(came, "code").unwrap();
    client.post(IDENTITIES, json!({"code": code})).await
}

/// A signed-in user with a password.
async fn ada(world: &World, email: &str) -> Client {
    add(&world.app, &world.tenant, "customer", email).await;
    let tokens = try_login(&world.app, "demo", email, PASSWORD)
        .await
        .expect(200)
        .json();
    bearer(&world.app, &tokens)
}

#[tokio::test]
async fn somebody_with_a_password_links_and_from_then_on_signs_in_either_way() {
    let world = world().await;
    let ada = ada(&world, "ada@example.org").await;
    let came = link(&world, &ada).await;
    // Nothing is linked yet, and the code cannot be used to sign in.
    let code = told(&came, "code").unwrap();
    world
        .redeem(&code)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    assert_eq!(
        ada.get(IDENTITIES).await.expect(200).json()["items"],
        json!([])
    );
    let linked = try_finish(&ada, &came).await.expect(201);
    assert_eq!(linked.json()["provider"], "fake");
    assert_eq!(
        linked.header("location"),
        format!("{IDENTITIES}/{}", linked.id())
    );
    assert_eq!(
        ada.get(IDENTITIES).await.expect(200).json()["items"],
        json!([linked.json()])
    );
    try_finish(&ada, &came)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    assert_eq!(world.sign_in().await["user"]["email"], "ada@example.org");
    try_login(&world.app, "demo", "ada@example.org", PASSWORD)
        .await
        .expect(200);
    assert_eq!(
        audited(&world.app, "identity.oauth_identity.linked").await,
        1
    );
}

#[tokio::test]
async fn an_address_that_somebody_else_is_lured_to_links_nothing() {
    let world = world().await;
    let (ada, mallory) = (
        ada(&world, "ada@example.org").await,
        ada(&world, "mallory@example.org").await,
    );
    let came = link(&world, &mallory).await;
    try_finish(&ada, &came)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    world
        .redeem(&told(&came, "code").unwrap())
        .await
        .expect_problem(401, "invalid_sign_in_code");
    let came = link(&world, &ada).await;
    world.app.clock.advance(Duration::from_mins(1));
    try_finish(&ada, &came)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    let admin = world.app.as_user(&world.tenant.admin);
    let came = link(&world, &ada).await;
    try_finish(&admin, &came)
        .await
        .expect_problem(401, "invalid_sign_in_code");
    let strangers = link(&world, &ada).await;
    let code = told(&strangers, "code").unwrap();
    let stranger = world.app.anonymous();
    stranger
        .post(IDENTITIES, json!({"code": code}))
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_identity_belongs_to_one_person() {
    let world = world().await;
    let (ada, bob) = (
        ada(&world, "ada@example.org").await,
        ada(&world, "bob@example.org").await,
    );
    let (came, race) = (link(&world, &ada).await, link(&world, &bob).await);
    try_finish(&ada, &came).await.expect(201);
    try_finish(&bob, &race)
        .await
        .expect_problem(409, "identity_taken");
    assert_eq!(
        told(&link(&world, &bob).await, "error").as_deref(),
        Some("identity_taken")
    );
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let world = world().await;
    let ada = bearer(&world.app, &world.sign_in().await);
    let first = ada.get(IDENTITIES).await.expect(200).json()["items"][0]["id"].clone();
    let first = format!("{IDENTITIES}/{}", first.as_str().unwrap());
    ada.delete(&first).await.expect_problem(409, "last_way_in");
    world.issuer.person(json!({"sub": "ada-2"}));
    let second = try_finish(&ada, &link(&world, &ada).await)
        .await
        .expect(201)
        .id();
    let second = format!("{IDENTITIES}/{second}");
    world
        .app
        .as_user(&world.tenant.admin)
        .delete(&second)
        .await
        .expect_problem(404, "not_found");
    let (one, other) = tokio::join!(ada.delete(&first), ada.delete(&second));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(
        audited(&world.app, "identity.oauth_identity.unlinked").await,
        1
    );
}

#[tokio::test]
async fn with_a_password_the_only_identity_can_go() {
    let world = world().await;
    let ada = ada(&world, "ada@example.org").await;
    let id = try_finish(&ada, &link(&world, &ada).await)
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
    assert_eq!(world.error().await, "link_requires_sign_in");
}

#[tokio::test]
async fn keys_have_no_identities_and_links_go_to_known_pages() {
    let world = world().await;
    let key = world
        .app
        .key(world.tenant.id, &["identity.user.read"])
        .await;
    key.get(IDENTITIES)
        .await
        .expect_problem(403, "not_a_person");
    let path = "/api/v1/auth/oauth/fake/link";
    key.post(path, json!({"redirect_to": PAGE}))
        .await
        .expect_problem(403, "not_a_person");
    let admin = world.app.as_user(&world.tenant.admin);
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
    world.app.clock.advance(Duration::from_mins(2));
    world
        .app
        .anonymous()
        .get(&path)
        .await
        .expect_problem(400, "sign_in_expired");
    world
        .app
        .anonymous()
        .get("/api/v1/auth/oauth/fake?link=AAAA")
        .await
        .expect_problem(400, "sign_in_expired");
}

#[tokio::test]
async fn identities_of_another_tenant_are_other_people() {
    let world = world().await;
    let ada = world.sign_in().await;
    world.app.tenant("other").await;
    execute(
        &world.app,
        "insert into access.origins (tenant_id, origin, created_at)
        select tenant_id, 'https://app.other.example', now() from access.tenants where slug = 'other'",
    )
    .await;
    let path = "/api/v1/auth/oauth/fake?tenant=other&redirect_to=https://app.other.example/";
    let started = world.app.anonymous().get(path).await.expect(303);
    let code = told(&world.walk_from(started).await, "code").unwrap();
    let other = world.redeem(&code).await.expect(200).json();
    assert_ne!(other["user"]["id"], ada["user"]["id"]);
}

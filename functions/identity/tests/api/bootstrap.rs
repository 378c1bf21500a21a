use access::REVALENZ;
use db::Db;
use identity::bootstrap::{BootstrapError, invite_superadmin, superadmin};
use serde_json::json;
use web::Email;

use super::{app, count, try_login};

#[tokio::test]
async fn the_first_superadmin_is_created_once_and_can_sign_in() {
    let app = app().await;
    let db = Db::connect_lazy(&app.database.login_url("identity"), 2).unwrap();
    let email = Email::parse("root@revalenz.example").unwrap();
    let make = async |password: &str| {
        superadmin(&db, &app.state, &email, "Ro", "Ot", password)
            .await
            .unwrap()
    };
    let id = make("a password of the first start").await;
    assert_eq!(make("a password of the first start").await, id);
    assert_eq!(
        count(&app, "select max(version)::bigint from identity.users").await,
        1
    );
    let tokens = try_login(
        &app,
        "revalenz",
        email.as_str(),
        "a password of the first start",
    )
    .await
    .expect(200)
    .json();
    assert_eq!(tokens["user"]["role"], "superadmin");
    assert_eq!(make("another password, set later").await, id);
    let client = super::bearer(&app, &tokens);
    client
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    try_login(
        &app,
        "revalenz",
        email.as_str(),
        "a password of the first start",
    )
    .await
    .expect(401);
    try_login(
        &app,
        "revalenz",
        email.as_str(),
        "another password, set later",
    )
    .await
    .expect(200);
    let tenant: uuid::Uuid = sqlx::query_scalar("select tenant_id from identity.users")
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap();
    assert_eq!(tenant, REVALENZ.uuid());
}

#[tokio::test]
async fn only_the_newest_bootstrap_link_works_and_only_once() {
    let app = app().await;
    let db = Db::connect_lazy(&app.database.login_url("identity"), 1).unwrap();
    let email = Email::parse("first@revalenz.example").unwrap();
    let clock = app.state.clock().clone();
    let invite = || invite_superadmin(&db, &clock, "https://api.example", &email);
    let (lost, link) = (invite().await.unwrap(), invite().await.unwrap());
    let accept = async |link: &str| {
        let (page, token) = link.split_once("#token=").unwrap();
        assert_eq!(page, "https://api.example/accept-invite");
        let body = json!({"token": token, "password": "correct horse battery staple"});
        app.anonymous()
            .post("/api/v1/auth/invite/accept", body)
            .await
    };
    accept(&lost).await.expect_problem(401, "invalid_token");
    let signed_in = accept(&link).await.expect(200).json();
    assert_eq!(signed_in["user"]["role"], "superadmin");
    accept(&link).await.expect_problem(401, "invalid_token");
    assert!(matches!(invite().await, Err(BootstrapError::Taken)));
}

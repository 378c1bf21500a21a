use testkit::TestApp;

use crate::shelf;

#[tokio::test]
async fn two_credentials_are_refused_with_their_own_code() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    let both = app
        .key(demo.id, &[])
        .await
        .bearer(&app.token(&demo.customer));
    both.get("/api/v1/shelf")
        .await
        .expect_problem(400, "several_credentials");
    // Even if one of them is invalid.
    app.as_user(&demo.customer)
        .with("x-api-key", "x")
        .get("/api/v1/shelf")
        .await
        .expect_problem(400, "several_credentials");
}

#[tokio::test]
async fn deleting_a_signing_key_invalidates_its_tokens() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    let customer = app.as_user(&demo.customer);
    customer.get("/api/v1/shelf").await.expect(200);
    let deleted = sqlx::query("delete from access.signing_keys where key_id = 'testkit'")
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    assert_eq!(deleted.rows_affected(), 1);
    customer
        .get("/api/v1/shelf")
        .await
        .expect_problem(401, "unauthenticated");
}

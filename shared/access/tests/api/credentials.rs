use testkit::TestApp;

use crate::shelf;

#[tokio::test]
async fn two_credentials_at_once_are_refused_by_a_code_of_their_own() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    let both = app
        .key(demo.id, &[])
        .await
        .bearer(&app.token(&demo.customer));
    both.get("/api/v1/shelf")
        .await
        .expect_problem(400, "several_credentials");
    // Even if one of them is good for nothing.
    app.as_user(&demo.customer)
        .with("x-api-key", "x")
        .get("/api/v1/shelf")
        .await
        .expect_problem(400, "several_credentials");
}

#[tokio::test]
async fn a_signing_key_that_is_taken_back_takes_its_tokens_along() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    let customer = app.as_user(&demo.customer);
    customer.get("/api/v1/shelf").await.expect(200);
    let taken = sqlx::query("delete from access.signing_keys where key_id = 'testkit'")
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    assert_eq!(taken.rows_affected(), 1);
    customer
        .get("/api/v1/shelf")
        .await
        .expect_problem(401, "unauthenticated");
}

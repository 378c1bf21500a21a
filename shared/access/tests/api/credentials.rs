use testkit::Stage;

use crate::shelf;

#[tokio::test]
async fn two_credentials_at_once_are_refused_by_a_code_of_their_own() {
    let stage = Stage::of(&[("support", shelf)]).await;
    let demo = stage.tenant("demo").await;
    let both = stage
        .key(demo.id, &[])
        .await
        .bearer(&stage.token(&demo.customer));
    both.get("/api/v1/shelf")
        .await
        .refused(400, "several_credentials");
    // Even if one of them is good for nothing.
    stage
        .as_(&demo.customer)
        .with("x-api-key", "x")
        .get("/api/v1/shelf")
        .await
        .refused(400, "several_credentials");
}

#[tokio::test]
async fn a_signing_key_that_is_taken_back_takes_its_tokens_along() {
    let stage = Stage::of(&[("support", shelf)]).await;
    let demo = stage.tenant("demo").await;
    let customer = stage.as_(&demo.customer);
    customer.get("/api/v1/shelf").await.expect(200);
    let taken = sqlx::query("delete from access.signing_keys where key_id = 'testkit'")
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    assert_eq!(taken.rows_affected(), 1);
    customer
        .get("/api/v1/shelf")
        .await
        .refused(401, "unauthenticated");
}

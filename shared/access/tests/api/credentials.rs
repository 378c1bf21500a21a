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

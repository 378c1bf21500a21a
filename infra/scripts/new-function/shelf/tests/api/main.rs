//! Tests of the shelf context over HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn a_book_is_listed_in_its_organisation_only() {
    let app = TestApp::of(&[&shelf::CONTEXT]).await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let customer = app.as_user(&demo.customer);
    customer
        .post("/api/v1/books", json!({"title": "Emma"}))
        .await
        .expect(403);
    let admin = app.as_user(&demo.admin);
    let body = json!({"title": "Emma"});
    admin.post("/api/v1/books", body).await.expect(201);
    let page = customer.get("/api/v1/books").await.expect(200).json();
    assert_eq!(page["items"][0]["title"], "Emma");
    let outsider = app.as_user(&other.admin);
    let page = outsider.get("/api/v1/books").await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 0);
}

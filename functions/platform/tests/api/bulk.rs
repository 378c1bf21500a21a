//! Bulk writes: each item is what a single request would be.

use serde_json::{Value, json};
use testkit::Client;

use crate::isolation::create_app;

const TICKETS: &str = "/api/v1/tickets/bulk";

async fn write(client: &Client, path: &str, items: Value) -> Vec<Value> {
    let answer = client.post(path, json!({"items": items})).await;
    let answer = answer.expect(200).json();
    answer["items"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<u64> {
    let status = |result: &Value| result["status"].as_u64().unwrap();
    results.iter().map(status).collect()
}

#[tokio::test]
async fn each_item_has_its_own_result() {
    let (app, demo, other) = create_app().await;
    let expert = app.as_user(&demo.expert);
    let body = json!({"title": "foreign", "description": "x"});
    let foreign = app
        .as_user(&other.customer)
        .post("/api/v1/tickets", body)
        .await;
    let foreign = foreign.expect(201).id();
    let made = write(
        &expert,
        TICKETS,
        json!([
            {"op": "create", "key": "a", "data": {"title": "one", "description": "x"}},
            {"op": "create", "key": "b", "data": {"title": "", "description": "x"}},
            {"op": "create", "data": {"title": "two", "description": "x"}},
        ]),
    )
    .await;
    assert_eq!(statuses(&made), [201, 422, 201]);
    assert_eq!(made[1]["problem"]["errors"][0]["pointer"], "/title");
    let (one, two) = (&made[0]["id"], &made[2]["id"]);
    let changed = write(
        &expert,
        TICKETS,
        json!([
            {"op": "update", "id": one, "version": 1, "data": {"priority": "high"}},
            {"op": "update", "id": one, "version": 1, "data": {"priority": "low"}},
            {"op": "update", "id": foreign, "data": {"priority": "low"}},
            {"op": "update", "id": "../users", "data": {"priority": "low"}},
            {"op": "update", "id": two, "data": {"colour": "red"}},
            // Experts do not delete.
            {"op": "delete", "id": two},
        ]),
    )
    .await;
    assert_eq!(statuses(&changed), [200, 412, 404, 404, 422, 403]);
    assert_eq!(changed[0]["version"], 2);
    assert_eq!(changed[1]["problem"]["current_version"], 2);
    let admin = app.as_user(&demo.admin);
    let gone = write(&admin, TICKETS, json!([{"op": "delete", "id": two}])).await;
    assert_eq!(statuses(&gone), [204]);
    let path = format!("/api/v1/tickets/{}", two.as_str().unwrap());
    admin.get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_repeated_creation_creates_nothing() {
    let (app, demo, _) = create_app().await;
    let customer = app.as_user(&demo.customer);
    let item =
        json!([{"op": "create", "key": "row-7", "data": {"title": "one", "description": "x"}}]);
    let first = write(&customer, TICKETS, item.clone()).await;
    let again = write(&customer, TICKETS, item).await;
    assert_eq!(first[0]["id"], again[0]["id"]);
    // The key is the one of a single request.
    let single = customer
        .call(http::Method::POST, "/api/v1/tickets")
        .header("idempotency-key", "row-7")
        .json(&json!({"title": "one", "description": "x"}))
        .send()
        .await;
    assert_eq!(first[0]["id"], single.expect(201).json()["id"]);
    let list = customer.get("/api/v1/tickets?count=true").await.expect(200);
    assert_eq!(list.json()["total"], 1);
}

#[tokio::test]
async fn the_request_as_a_whole_is_checked_first() {
    let (app, demo, _) = create_app().await;
    let item = json!({"op": "create", "data": {"title": "one", "description": "x"}});
    app.anonymous()
        .post(TICKETS, json!({"items": [item]}))
        .await
        .expect_problem(401, "unauthenticated");
    let customer = app.as_user(&demo.customer);
    let refused = customer
        .post(
            TICKETS,
            json!({"items": [item, {"op": "update", "data": {}}, {"op": "delete"}]}),
        )
        .await
        .expect_problem(422, "validation_failed");
    let pointers: Vec<&Value> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(pointers, ["/items/1/id", "/items/2/id"]);
    let many = vec![item; 201];
    customer
        .post(TICKETS, json!({"items": many}))
        .await
        .expect_problem(422, "validation_failed");
    let list = customer.get("/api/v1/tickets?count=true").await.expect(200);
    assert_eq!(list.json()["total"], 0, "nothing was written");
}

/// A key or person gets no further with many items than with one.
#[tokio::test]
async fn the_permission_of_the_single_operation_holds() {
    let (app, demo, _) = create_app().await;
    let key = app.key(demo.id, &["identity.user.read"]).await;
    let users = "/api/v1/users/bulk";
    let data = json!({"email": "new@demo.example", "name": "New"});
    let results = write(
        &key,
        users,
        json!([
            {"op": "create", "data": data},
            {"op": "update", "id": demo.customer.id, "data": {"status": "locked"}},
            {"op": "delete", "id": demo.customer.id},
        ]),
    )
    .await;
    assert_eq!(statuses(&results), [403, 403, 403]);
    let admin = app.as_user(&demo.admin);
    let results = write(
        &admin,
        users,
        json!([
            {"op": "create", "data": data},
            {"op": "update", "id": demo.customer.id, "data": {"phone": "+49 30 1234567"}},
            {"op": "delete", "id": demo.admin.id},
        ]),
    )
    .await;
    assert_eq!(statuses(&results), [201, 200, 409]);
    assert_eq!(results[2]["problem"]["code"], "last_admin");
}

use serde_json::json;

use super::{count, demo, execute};

#[tokio::test]
async fn the_last_seat_is_given_once() {
    let (stage, tenant) = demo().await;
    execute(
        &stage,
        "update access.tenants set max_users = 8 where slug = 'demo'",
    )
    .await;
    let admin = stage.as_(&tenant.admin);
    let many = (0..10).map(|number| {
        let body = json!({"email": format!("{number}@new.example"), "name": "New One"});
        let admin = admin.clone();
        async move { admin.post("/api/v1/users", body).await }
    });
    let mut statuses: Vec<u16> = Vec::new();
    for answer in futures::future::join_all(many).await {
        statuses.push(answer.status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [[201; 2].as_slice(), &[409; 8]].concat());
    assert_eq!(
        count(&stage, "select count(*) from identity.users").await,
        8
    );
}

#[tokio::test]
async fn a_seat_is_free_when_somebody_leaves_and_taken_when_they_come_back() {
    let (stage, tenant) = demo().await;
    execute(
        &stage,
        "update access.tenants set max_users = 6 where slug = 'demo'",
    )
    .await;
    let admin = stage.as_(&tenant.admin);
    let body = json!({"email": "new@demo.example", "name": "New One"});
    let full = admin
        .post("/api/v1/users", body.clone())
        .await
        .refused(409, "seats_exhausted");
    assert_eq!(full["max_users"], 6);
    let path = format!("/api/v1/users/{}", tenant.customer.id);
    admin.delete(&path).await.expect(204);
    admin.post("/api/v1/users", body).await.expect(201);
    let there = format!("{path}?status=disabled");
    admin
        .put(&there, json!({"status": "active"}))
        .await
        .refused(409, "seats_exhausted");
}

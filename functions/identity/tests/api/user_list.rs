use serde_json::{Value, json};

use super::demo;

fn emails(page: &Value) -> Vec<&str> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["email"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_list_is_filtered_sorted_and_paged() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let get = async |query: &str| {
        admin
            .get(&format!("/api/v1/users{query}"))
            .await
            .expect(200)
            .json()
    };
    assert_eq!(
        emails(&get("").await),
        [
            "admin",
            "customer",
            "customer2",
            "expert",
            "expert2",
            "manager"
        ]
        .map(|name| format!("{name}@demo.example"))
    );
    assert_eq!(emails(&get("?q=MANAG").await), ["manager@demo.example"]);
    assert_eq!(get("?q=demo.example&count=true").await["total"], 6);
    assert_eq!(get("?q=%25").await["items"], json!([]));
    assert_eq!(
        emails(&get("?role=expert").await),
        ["expert@demo.example", "expert2@demo.example"]
    );
    assert_eq!(get("?status=invited").await["items"], json!([]));
    for sort in ["name", "-name", "created", "-created"] {
        let whole = get(&format!("?sort={sort}")).await;
        let mut walked = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = get(&format!("?sort={sort}&limit=2{cursor}")).await;
            walked.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(json!(walked), whole["items"], "{sort}");
    }
    let page = get("?limit=2").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    admin
        .get(&format!("/api/v1/users?limit=2&sort=-name&cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_cursor");
    for query in [
        "?limit=0",
        "?min_level=6",
        "?sort=age",
        "?status=erased",
        "?nope=1",
    ] {
        admin
            .get(&format!("/api/v1/users{query}"))
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn disabled_users_are_listed_for_admins_on_request() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    admin
        .delete(&format!("/api/v1/users/{}", tenant.customer.id))
        .await
        .expect(204);
    assert_eq!(
        admin
            .get("/api/v1/users?count=true")
            .await
            .expect(200)
            .json()["total"],
        5
    );
    let gone = admin
        .get("/api/v1/users?status=disabled")
        .await
        .expect(200)
        .json();
    assert_eq!(emails(&gone), ["customer@demo.example"]);
    app.as_user(&tenant.manager)
        .get("/api/v1/users?status=disabled")
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn masked_addresses_can_be_neither_read_nor_guessed() {
    let (app, tenant) = demo().await;
    let path = format!("/api/v1/users/{}", tenant.customer.id);
    app.as_user(&tenant.admin)
        .put(&path, json!({"phone": "+49 30 123456"}))
        .await
        .expect(200);
    let expert = app.as_user(&tenant.expert);
    let seen = expert.get(&path).await.expect(200).json();
    assert_eq!(
        (&seen["email"], &seen["phone"]),
        (&json!("c•••@demo.example"), &json!("•••56"))
    );
    let found = expert
        .get("/api/v1/users?q=@demo.example")
        .await
        .expect(200)
        .json();
    assert_eq!(found["items"], json!([]));
    let own = expert
        .get(&format!("/api/v1/users/{}", tenant.expert.id))
        .await
        .expect(200)
        .json();
    assert_eq!(own["email"], "expert@demo.example");
    let seen = app
        .as_user(&tenant.manager)
        .get(&path)
        .await
        .expect(200)
        .json();
    assert_eq!(seen["email"], "customer@demo.example");
}

#[tokio::test]
async fn customers_cannot_list_users() {
    let (app, tenant) = demo().await;
    let customer = app.as_user(&tenant.customer);
    customer
        .get("/api/v1/users")
        .await
        .expect_problem(403, "forbidden");
    customer
        .get(&format!("/api/v1/users/{}", tenant.customer.id))
        .await
        .expect_problem(403, "forbidden");
    customer.get("/api/v1/me").await.expect(200);
}

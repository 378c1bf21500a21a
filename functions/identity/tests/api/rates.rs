use serde_json::{Value, json};

use super::{announced, audited, demo};

fn rate(amount: &str, currency: &str, from: &str, to: Option<&str>) -> Value {
    json!({"rate": {"amount": amount, "currency": currency}, "valid_from": from, "valid_to": to})
}

#[tokio::test]
async fn rates_are_replaced_as_a_whole() {
    let (app, tenant) = demo().await;
    let manager = app.as_user(&tenant.manager);
    let path = format!("/api/v1/users/{}/rates", tenant.expert.id);
    let empty = manager.get(&path).await.expect(200);
    assert_eq!(
        (empty.header("etag"), &empty.json()["items"]),
        ("\"1\"", &json!([]))
    );
    let wanted = json!({"items": [
        rate("90.5", "EUR", "2026-07-01", None),
        rate("85", "EUR", "2026-01-01", Some("2026-06-30")),
        rate("9000", "JPY", "2026-01-01", None),
    ]});
    let written = manager.put(&path, wanted.clone()).await.expect(200);
    assert_eq!(written.header("etag"), "\"2\"");
    assert_eq!(
        written.json()["items"],
        json!([
            rate("85.00", "EUR", "2026-01-01", Some("2026-06-30")),
            rate("90.50", "EUR", "2026-07-01", None),
            rate("9000", "JPY", "2026-01-01", None),
        ])
    );
    assert_eq!(manager.get(&path).await.expect(200).json(), written.json());
    // Repeating the request changes nothing.
    let again = manager.put(&path, wanted).await.expect(200);
    assert_eq!(again.header("etag"), "\"2\"");
    let outdated = manager
        .call(http::Method::PUT, &path)
        .header("if-match", "\"1\"");
    outdated
        .json(&json!({"items": []}))
        .send()
        .await
        .expect_problem(412, "precondition_failed");
    let cleared = manager.put(&path, json!({"items": []})).await.expect(200);
    assert_eq!(cleared.json()["items"], json!([]));
    assert_eq!(audited(&app, "identity.rates.replaced").await, 2);
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.updated.v1").await,
        2
    );
}

#[tokio::test]
async fn all_invalid_rates_are_reported() {
    let (app, tenant) = demo().await;
    let path = format!("/api/v1/users/{}/rates", tenant.expert.id);
    for (items, wanted) in [
        (
            json!([rate("1.005", "EUR", "2026-01-01", None)]),
            "/items/0/rate/amount scale",
        ),
        (
            json!([rate("-1", "EUR", "2026-01-01", None)]),
            "/items/0/rate/amount invalid_format",
        ),
        (
            json!([rate("1", "DM", "2026-01-01", None)]),
            "/items/0/rate/currency invalid_format",
        ),
        (
            json!([rate("1", "EUR", "2026-13-01", None)]),
            "/items/0/valid_from invalid_format",
        ),
        (
            json!([rate("1", "EUR", "2026-02-01", Some("2026-01-01"))]),
            "/items/0/valid_to before_valid_from",
        ),
        (
            json!([
                rate("1", "EUR", "2026-01-01", None),
                rate("2", "EUR", "2026-05-01", None)
            ]),
            "/items/1/valid_from overlap",
        ),
        (
            json!([{"rate": {"amount": 1, "currency": "EUR"}, "valid_from": "2026-01-01"}]),
            "/items/0/rate/amount wrong_type",
        ),
    ] {
        let body = json!({"items": items});
        let refused = app
            .as_user(&tenant.admin)
            .put(&path, body)
            .await
            .expect_problem(422, "validation_failed");
        let error = &refused["errors"][0];
        let errors = format!(
            "{} {}",
            error["pointer"].as_str().unwrap(),
            error["code"].as_str().unwrap()
        );
        assert_eq!(errors, wanted);
    }
}

#[tokio::test]
async fn experts_read_their_own_rates_and_managers_write_those_of_lower_roles() {
    let (app, tenant) = demo().await;
    let path = |id: ids::UserId| format!("/api/v1/users/{id}/rates");
    let expert = app.as_user(&tenant.expert);
    expert.get(&path(tenant.expert.id)).await.expect(200);
    expert
        .get(&path(tenant.expert2.id))
        .await
        .expect_problem(404, "not_found");
    let body = json!({"items": []});
    expert
        .put(&path(tenant.expert.id), body.clone())
        .await
        .expect_problem(403, "forbidden");
    let manager = app.as_user(&tenant.manager);
    for above in [tenant.manager.id, tenant.admin.id] {
        manager
            .put(&path(above), body.clone())
            .await
            .expect_problem(403, "role_too_powerful");
    }
    app.as_user(&tenant.customer)
        .get(&path(tenant.customer.id))
        .await
        .expect_problem(403, "forbidden");
    let theirs = app.tenant("other").await;
    app.as_user(&theirs.admin)
        .put(&path(tenant.expert.id), body)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn concurrent_replacements_leave_one_complete_set() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let path = format!("/api/v1/users/{}/rates", tenant.expert.id);
    let set = |amount: &str| json!({"items": [rate(amount, "EUR", "2026-01-01", Some("2026-12-31")), rate(amount, "EUR", "2027-01-01", None)]});
    let many = ["1", "2", "3", "4", "5", "6"].map(|amount| {
        let (admin, path, body) = (admin.clone(), path.clone(), set(amount));
        async move { admin.put(&path, body).await.expect(200) }
    });
    futures::future::join_all(many).await;
    let items = admin.get(&path).await.expect(200).json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 2);
    assert_eq!(items[0]["rate"], items[1]["rate"]);
}

//! Updating tickets.

use serde_json::{Value, json};

use crate::app;

#[tokio::test]
async fn staff_take_a_ticket_through_all_statuses() {
    let (app, demo) = app().await;
    let id = app
        .as_user(&demo.customer)
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}");
    let expert = app.as_user(&demo.expert);
    for (version, status) in [
        (2, "in_progress"),
        (3, "waiting_on_customer"),
        (4, "resolved"),
        (5, "closed"),
    ] {
        app.clock.advance(std::time::Duration::from_secs(1));
        let ticket = expert
            .put(&path, json!({"status": status}))
            .await
            .expect(200)
            .json();
        assert_eq!(
            (ticket["status"].as_str(), ticket["version"].as_i64()),
            (Some(status), Some(version))
        );
    }
    let history = expert
        .get(&format!("{path}/history"))
        .await
        .expect(200)
        .json();
    let steps: Vec<(&str, &Value, &Value)> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["field"].as_str().unwrap(),
                &entry["old"],
                &entry["new"],
            )
        })
        .collect();
    assert_eq!(steps.len(), 5);
    assert_eq!(steps[4], ("status", &json!("resolved"), &json!("closed")));
}

#[tokio::test]
async fn an_illegal_transition_is_refused_with_the_allowed_ones() {
    let (app, demo) = app().await;
    let id = app
        .as_user(&demo.customer)
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}");
    let refusal = app
        .as_user(&demo.expert)
        .put(&path, json!({"status": "closed"}))
        .await
        .expect_problem(409, "illegal_transition");
    assert_eq!(refusal["legal_transitions"], json!(["in_progress"]));
    assert_eq!(
        app.as_user(&demo.expert).get(&path).await.json()["version"],
        1
    );
}

#[tokio::test]
async fn omitted_fields_are_kept_and_null_clears() {
    let (app, demo) = app().await;
    let manager = app.as_user(&demo.manager);
    let body = json!({"title": "x", "description": "y", "category": "billing", "team": "North", "due_at": "2026-12-01T00:00:00Z"});
    let id = manager.post("/api/v1/tickets", body).await.expect(201).id();
    let path = format!("/api/v1/tickets/{id}");
    let ticket = manager
        .put(&path, json!({"team": null, "category": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&ticket["team"], &ticket["category"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&ticket["title"], &ticket["due_at"]),
        (&json!("x"), &json!("2026-12-01T00:00:00Z"))
    );
    manager
        .patch(&path, json!({"title": null}))
        .await
        .expect_problem(422, "validation_failed");
    // An update without changes creates no version and no history entry.
    let same = manager
        .patch(&path, json!({"title": "x"}))
        .await
        .expect(200)
        .json();
    assert_eq!(same["version"], ticket["version"]);
}

#[tokio::test]
async fn a_concurrent_edit_is_refused_by_if_match() {
    let (app, demo) = app().await;
    let expert = app.as_user(&demo.expert);
    let created = expert
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201);
    let path = format!("/api/v1/tickets/{}", created.id());
    let edit = |title: &str, etag: &str| {
        expert
            .call(http::Method::PUT, &path)
            .header("if-match", etag)
            .json(&json!({"title": title}))
            .send()
    };
    let first = edit("first", created.header("etag")).await.expect(200);
    assert_eq!(first.header("etag"), "\"2\"");
    let refusal = edit("second", created.header("etag"))
        .await
        .expect_problem(412, "precondition_failed");
    assert_eq!(refusal["current_version"], 2);
    assert_eq!(expert.get(&path).await.json()["title"], "first");
    edit("third", first.header("etag")).await.expect(200);
    edit("fourth", "*").await.expect(200);
    edit("fifth", "\"x\"")
        .await
        .expect_problem(412, "precondition_failed");
}

#[tokio::test]
async fn concurrent_updates_of_one_version_have_one_winner() {
    let (app, demo) = app().await;
    let id = app
        .as_user(&demo.expert)
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..8 {
        let (client, path) = (app.as_user(&demo.expert), format!("/api/v1/tickets/{id}"));
        tasks.spawn(async move {
            let body = json!({"title": format!("by {index}")});
            client
                .call(http::Method::PUT, &path)
                .header("if-match", "\"1\"")
                .json(&body)
                .send()
                .await
                .status
                .as_u16()
        });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

#[tokio::test]
async fn customers_can_change_their_texts_only() {
    let (app, demo) = app().await;
    let customer = app.as_user(&demo.customer);
    let id = customer
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}");
    assert_eq!(
        customer
            .put(&path, json!({"title": "y"}))
            .await
            .expect(200)
            .json()["title"],
        "y"
    );
    for body in [
        json!({"priority": "urgent"}),
        json!({"assigned_to": demo.customer.id}),
        json!({"assigned_to": null}),
        json!({"team": "x"}),
        json!({"due_at": "2026-12-01T00:00:00Z"}),
        json!({"tags": []}),
    ] {
        let refusal = customer.put(&path, body.clone()).await;
        assert!(
            matches!(refusal.status.as_u16(), 403 | 422),
            "{body}: {}",
            refusal.text()
        );
    }
    customer
        .put(&path, json!({"status": "in_progress"}))
        .await
        .expect_problem(409, "illegal_transition");
    customer
        .put(&path, json!({"status": "closed"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn tickets_can_be_assigned_to_active_staff_only() {
    let (app, demo) = app().await;
    let other = app.tenant("other").await;
    let expert = app.as_user(&demo.expert);
    let id = expert
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}");
    for person in [demo.customer.id, other.expert.id] {
        let refusal = expert
            .put(&path, json!({"assigned_to": person}))
            .await
            .expect_problem(422, "validation_failed");
        assert_eq!(refusal["errors"][0]["code"], "not_assignable");
    }
    let ticket = expert
        .put(&path, json!({"assigned_to": demo.expert2.id}))
        .await
        .expect(200)
        .json();
    assert_eq!(ticket["assigned_to"], json!(demo.expert2.id));
}

#[tokio::test]
async fn a_deleted_ticket_can_be_restored_by_an_admin() {
    let (app, demo) = app().await;
    let id = app
        .as_user(&demo.customer)
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}");
    app.as_user(&demo.customer)
        .delete(&path)
        .await
        .expect_problem(403, "forbidden");
    app.as_user(&demo.expert)
        .delete(&path)
        .await
        .expect_problem(403, "forbidden");
    app.as_user(&demo.manager).delete(&path).await.expect(204);
    app.as_user(&demo.manager)
        .delete(&path)
        .await
        .expect_problem(404, "not_found");
    app.as_user(&demo.customer)
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    app.as_user(&demo.customer)
        .get(&format!("{path}/comments"))
        .await
        .expect_problem(404, "not_found");
    app.as_user(&demo.manager)
        .post(&format!("{path}/restore"), json!(null))
        .await
        .expect_problem(403, "forbidden");
    app.as_user(&demo.admin)
        .post(&format!("{path}/restore"), json!(null))
        .await
        .expect(200);
    app.as_user(&demo.customer).get(&path).await.expect(200);
    app.as_user(&demo.manager).delete(&path).await.expect(204);
    app.clock.advance(std::time::Duration::from_hours(31 * 24));
    app.as_user(&app.person(demo.id, "admin", "later@demo.example").await)
        .post(&format!("{path}/restore"), json!(null))
        .await
        .expect_problem(404, "not_found");
}

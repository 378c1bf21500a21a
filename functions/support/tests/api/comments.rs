//! Comments.

use serde_json::{Value, json};

use crate::app;

#[tokio::test]
async fn internal_comments_are_invisible_to_customers() {
    let (app, demo) = app().await;
    let customer = app.as_user(&demo.customer);
    let id = customer
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}");
    let seen = |answer: testkit::TestResponse| (answer.header("etag").to_owned(), answer.json());
    let before = (
        seen(customer.get(&path).await),
        customer.get(&format!("{path}/comments")).await.json(),
        customer.get(&format!("{path}/history")).await.json(),
        customer
            .get("/api/v1/tickets?q=secret&count=true")
            .await
            .json(),
    );
    app.clock.advance(std::time::Duration::from_mins(1));
    let body = json!({"content": "secret remark", "visibility": "internal"});
    let comment = app
        .as_user(&demo.expert)
        .post(&format!("{path}/comments"), body)
        .await
        .expect(201)
        .id();
    let comment_path = format!("{path}/comments/{comment}");
    app.as_user(&demo.expert)
        .patch(&comment_path, json!({"content": "secret again"}))
        .await
        .expect(200);
    let after = (
        seen(customer.get(&path).await),
        customer.get(&format!("{path}/comments")).await.json(),
        customer.get(&format!("{path}/history")).await.json(),
        customer
            .get("/api/v1/tickets?q=secret&count=true")
            .await
            .json(),
    );
    assert_eq!(before, after);
    customer
        .patch(&comment_path, json!({"content": "mine"}))
        .await
        .expect_problem(404, "not_found");
    let staff = app
        .as_user(&demo.expert2)
        .get(&format!("{path}/comments"))
        .await
        .expect(200)
        .json();
    assert_eq!(staff["items"][0]["content"], "secret again");
    let history = app
        .as_user(&demo.expert2)
        .get(&format!("{path}/history"))
        .await
        .expect(200)
        .json();
    assert_eq!(history["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn customers_can_only_write_public_comments() {
    let (app, demo) = app().await;
    let customer = app.as_user(&demo.customer);
    let id = customer
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}/comments");
    let body = json!({"content": "psst", "visibility": "internal"});
    customer
        .post(&path, body)
        .await
        .expect_problem(403, "staff_only_field");
    let comment = customer
        .post(&path, json!({"content": "Hello"}))
        .await
        .expect(201)
        .json();
    assert_eq!(comment["visibility"], "public");
    assert_eq!(comment["author"]["name"], "customer");
    app.as_user(&demo.customer2)
        .post(&path, json!({"content": "Hi"}))
        .await
        .expect_problem(404, "not_found");
    app.as_user(&demo.customer2)
        .get(&path)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_customers_reply_reopens_and_the_first_response_is_recorded() {
    let (app, demo) = app().await;
    let (customer, expert) = (app.as_user(&demo.customer), app.as_user(&demo.expert));
    let id = customer
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let (path, comments) = (
        format!("/api/v1/tickets/{id}"),
        format!("/api/v1/tickets/{id}/comments"),
    );
    customer
        .post(&comments, json!({"content": "Anyone?"}))
        .await
        .expect(201);
    assert_eq!(
        customer.get(&path).await.json()["first_responded_at"],
        Value::Null
    );
    expert
        .put(
            &path,
            json!({"status": "in_progress", "assigned_to": demo.expert.id}),
        )
        .await
        .expect(200);
    app.clock.advance(std::time::Duration::from_mins(1));
    expert
        .post(&comments, json!({"content": "Which room?"}))
        .await
        .expect(201);
    app.clock.advance(std::time::Duration::from_mins(1));
    expert
        .post(&comments, json!({"content": "And since when?"}))
        .await
        .expect(201);
    assert_eq!(
        customer.get(&path).await.json()["first_responded_at"],
        "2026-11-20T10:01:00Z"
    );
    for status in ["waiting_on_customer", "resolved"] {
        expert
            .put(&path, json!({"status": status}))
            .await
            .expect(200);
        customer
            .post(&comments, json!({"content": "Room 3"}))
            .await
            .expect(201);
        assert_eq!(customer.get(&path).await.json()["status"], "in_progress");
    }
    expert
        .put(&path, json!({"status": "resolved"}))
        .await
        .expect(200);
    expert
        .put(&path, json!({"status": "closed"}))
        .await
        .expect(200);
    customer
        .post(&comments, json!({"content": "Still"}))
        .await
        .expect_problem(409, "ticket_closed");
}

#[tokio::test]
async fn a_closed_ticket_stays_as_it_was_for_its_customer() {
    let (app, demo) = app().await;
    let (customer, expert) = (app.as_user(&demo.customer), app.as_user(&demo.expert));
    let ticket = json!({"title": "x"});
    let id = customer
        .post("/api/v1/tickets", ticket)
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}");
    let said = json!({"content": "We agreed on nine o'clock."});
    let comment = customer
        .post(&format!("{path}/comments"), said)
        .await
        .expect(201)
        .id();
    customer
        .put(&path, json!({"status": "closed"}))
        .await
        .expect(200);
    let comment = format!("{path}/comments/{comment}");
    customer
        .patch(&comment, json!({"content": "We agreed on noon."}))
        .await
        .expect_problem(409, "ticket_closed");
    customer
        .delete(&comment)
        .await
        .expect_problem(409, "ticket_closed");
    for change in [json!({"title": "y"}), json!({"description": "z"})] {
        customer
            .put(&path, change)
            .await
            .expect_problem(409, "ticket_closed");
    }
    // Closing it again changes nothing.
    customer
        .put(&path, json!({"status": "closed"}))
        .await
        .expect(200);
    expert
        .put(&path, json!({"tags": ["appointment"]}))
        .await
        .expect(200);
}

#[tokio::test]
async fn comments_can_be_changed_by_their_author_or_an_admin() {
    let (app, demo) = app().await;
    let customer = app.as_user(&demo.customer);
    let id = customer
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let comment = customer
        .post(
            &format!("/api/v1/tickets/{id}/comments"),
            json!({"content": "a"}),
        )
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}/comments/{comment}");
    app.as_user(&demo.expert)
        .put(&path, json!({"content": "b"}))
        .await
        .expect_problem(403, "forbidden");
    let edited = customer
        .put(&path, json!({"content": "b"}))
        .await
        .expect(200);
    assert_eq!(edited.json()["edited_at"], "2026-11-20T10:00:00Z");
    assert_eq!(edited.header("etag"), "\"2\"");
    app.as_user(&demo.admin)
        .put(&path, json!({"content": "c"}))
        .await
        .expect(200);
    app.as_user(&demo.admin).delete(&path).await.expect(204);
    app.as_user(&demo.admin)
        .delete(&path)
        .await
        .expect_problem(404, "not_found");
    let left = customer
        .get(&format!("/api/v1/tickets/{id}/comments"))
        .await
        .json();
    assert_eq!(left["items"], json!([]));
}

#[tokio::test]
async fn comments_are_paginated() {
    let (app, demo) = app().await;
    let customer = app.as_user(&demo.customer);
    let id = customer
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}/comments");
    for index in 0..5 {
        customer
            .post(&path, json!({"content": format!("Nr. {index}")}))
            .await
            .expect(201);
    }
    let mut seen = Vec::new();
    let mut next = format!("{path}?limit=2");
    loop {
        let page = customer.get(&next).await.expect(200).json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|c| c["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((seen.len(), once.len()), (5, 5));
}

#[tokio::test]
async fn a_comment_is_available_at_its_location() {
    let (app, demo) = app().await;
    let (customer, expert) = (app.as_user(&demo.customer), app.as_user(&demo.expert));
    let id = customer
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}/comments");
    let mut locations = Vec::new();
    for visibility in ["public", "internal"] {
        let written = expert
            .post(&path, json!({"content": "a", "visibility": visibility}))
            .await
            .expect(201);
        let location = written.header("location").to_owned();
        let read = expert.get(&location).await.expect(200);
        assert_eq!(read.json(), written.json());
        assert_eq!(read.header("etag"), "\"1\"");
        locations.push(location);
    }
    customer.get(&locations[0]).await.expect(200);
    for (who, location) in [
        (&customer, &locations[1]),
        (&app.as_user(&demo.customer2), &locations[0]),
    ] {
        who.get(location).await.expect_problem(404, "not_found");
    }
    expert.delete(&locations[0]).await.expect(204);
    customer
        .get(&locations[0])
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_comment_event_identifies_the_people_involved() {
    let (app, demo) = app().await;
    let manager = app.as_user(&demo.manager);
    let body =
        json!({"title": "x", "requester_id": demo.customer.id, "assigned_to": demo.expert.id});
    let id = manager.post("/api/v1/tickets", body).await.expect(201).id();
    let comment = app
        .as_user(&demo.expert)
        .post(
            &format!("/api/v1/tickets/{id}/comments"),
            json!({"content": "secret", "visibility": "internal"}),
        )
        .await
        .expect(201)
        .id();
    let data: Value = sqlx::query_scalar(
        "select data from events.outbox where type = 'de.revalenz.support.ticket.commented.v1'",
    )
    .fetch_one(&mut app.admin().await)
    .await
    .unwrap();
    let author = json!({"kind": "user", "id": demo.expert.id});
    assert_eq!(
        data,
        json!({
            "ticket_id": id, "number": "T-1001", "requester_id": demo.customer.id, "assigned_to": demo.expert.id,
            "comment_id": comment, "visibility": "internal", "author": author,
        })
    );
}

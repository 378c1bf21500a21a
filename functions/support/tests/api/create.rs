//! Creating tickets.

use serde_json::{Value, json};
use sqlx::Row;

use crate::app;

#[tokio::test]
async fn a_customer_creates_a_ticket_and_gets_it() {
    let (app, demo) = app().await;
    let customer = app.as_user(&demo.customer);
    let created = customer
        .post(
            "/api/v1/tickets",
            json!({"title": "  Heating  ", "description": "Cold.", "tags": ["B", "a", "b"]}),
        )
        .await
        .expect(201);
    let ticket = created.json();
    assert_eq!(ticket["number"], "T-1001");
    assert_eq!(ticket["title"], "Heating");
    assert_eq!(ticket["status"], "open");
    assert_eq!(ticket["priority"], "medium");
    assert_eq!(ticket["tags"], json!(["a", "b"]));
    assert_eq!(ticket["requester_id"], json!(demo.customer.id));
    assert_eq!(ticket["requester_name"], "customer");
    assert_eq!(ticket["channel"], "portal");
    assert_eq!(ticket["version"], 1);
    assert_eq!(
        created.header("location"),
        format!("/api/v1/tickets/{}", created.id())
    );
    assert_eq!(created.header("etag"), "\"1\"");
    let again = customer.get(created.header("location")).await.expect(200);
    assert_eq!(again.json(), ticket);
    // The path without a version returns the same.
    let unversioned = customer
        .get(&format!("/api/tickets/{}", created.id()))
        .await
        .expect(200);
    assert_eq!(unversioned.json(), ticket);
}

#[tokio::test]
async fn a_new_ticket_has_a_history_entry_and_an_event() {
    let (app, demo) = app().await;
    let id = app
        .as_user(&demo.customer)
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let history = app
        .as_user(&demo.customer)
        .get(&format!("/api/v1/tickets/{id}/history"))
        .await
        .expect(200)
        .json();
    assert_eq!(history["items"][0]["field"], "created");
    assert_eq!(history["items"][0]["actor"]["id"], json!(demo.customer.id));
    let rows = sqlx::query("select type, subject, data from events.outbox where tenant_id = $1")
        .bind(demo.id)
        .fetch_all(&mut app.admin().await)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].get::<String, _>("type"),
        "de.revalenz.support.ticket.created.v1"
    );
    assert_eq!(rows[0].get::<String, _>("subject"), format!("ticket/{id}"));
    let author = json!({"kind": "user", "id": demo.customer.id});
    assert_eq!(
        rows[0].get::<Value, _>("data"),
        json!({
            "ticket_id": id, "number": "T-1001", "priority": "medium", "requester_id": demo.customer.id,
            "assigned_to": null, "author": author,
        })
    );
}

#[tokio::test]
async fn numbers_are_consecutive_under_concurrent_creation() {
    let (app, demo) = app().await;
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..20 {
        let client = app.as_user(&demo.customer);
        tasks.spawn(async move {
            client
                .post(
                    "/api/v1/tickets",
                    json!({"title": format!("Ticket {index}")}),
                )
                .await
                .expect(201)
                .json()["number"]
                .as_str()
                .unwrap()
                .to_owned()
        });
    }
    let mut numbers = tasks.join_all().await;
    numbers.sort();
    let wanted: Vec<String> = (1001..=1020).map(|number| format!("T-{number}")).collect();
    assert_eq!(numbers, wanted);
}

#[tokio::test]
async fn a_repeated_request_creates_one_ticket_and_returns_the_first_response() {
    let (app, demo) = app().await;
    let call = || {
        app.as_user(&demo.customer)
            .call(http::Method::POST, "/api/v1/tickets")
            .header("idempotency-key", "import-1")
            .json(&json!({"title": "once"}))
    };
    let first = call().send().await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    let second = call().send().await.expect(201);
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(second.json(), first.json());
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(second.header("etag"), first.header("etag"));
    call()
        .json(&json!({"title": "twice"}))
        .send()
        .await
        .expect_problem(422, "idempotency_key_reused");
    let listed = app
        .as_user(&demo.customer)
        .get("/api/v1/tickets?count=true")
        .await
        .expect(200)
        .json();
    assert_eq!(listed["total"], 1);
    // Idempotency keys of different people are independent.
    app.as_user(&demo.customer2)
        .call(http::Method::POST, "/api/v1/tickets")
        .header("idempotency-key", "import-1")
        .json(&json!({"title": "mine"}))
        .send()
        .await
        .expect(201);
}

#[tokio::test]
async fn concurrent_repetitions_create_one_ticket() {
    let (app, demo) = app().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let client = app.as_user(&demo.customer);
        tasks.spawn(async move {
            client
                .call(http::Method::POST, "/api/v1/tickets")
                .header("idempotency-key", "same")
                .json(&json!({"title": "once"}))
                .send()
                .await
                .expect(201)
                .id()
        });
    }
    let mut ids = tasks.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_refused_request_can_be_retried_with_its_key() {
    let (app, demo) = app().await;
    let call = |body: Value| {
        app.as_user(&demo.customer)
            .call(http::Method::POST, "/api/v1/tickets")
            .header("idempotency-key", "k")
            .json(&body)
            .send()
    };
    call(json!({"title": "x", "category": "nonsense"}))
        .await
        .expect_problem(422, "validation_failed");
    call(json!({"title": "x"})).await.expect(201);
}

#[tokio::test]
async fn staff_create_tickets_for_others_and_customers_cannot() {
    let (app, demo) = app().await;
    let body = json!({"title": "For Maria", "requester_id": demo.customer.id, "assigned_to": demo.expert2.id});
    let ticket = app
        .as_user(&demo.expert)
        .post("/api/v1/tickets", body.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(ticket["requester_id"], json!(demo.customer.id));
    assert_eq!(ticket["assigned_to_name"], "expert2");
    app.as_user(&demo.customer2)
        .post("/api/v1/tickets", body)
        .await
        .expect_problem(403, "staff_only_field");
    let unknown = json!({"title": "x", "requester_id": "019ab1f2-0000-7000-8000-000000000001"});
    app.as_user(&demo.expert)
        .post("/api/v1/tickets", unknown)
        .await
        .expect_problem(422, "validation_failed");
    let to_customer = json!({"title": "x", "assigned_to": demo.customer.id});
    app.as_user(&demo.expert)
        .post("/api/v1/tickets", to_customer)
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn an_api_key_creates_tickets_within_its_scopes() {
    let (app, demo) = app().await;
    let key = app.key(demo.id, &["support.ticket.create"]).await;
    let ticket = key
        .post("/api/v1/tickets", json!({"title": "From a sheet"}))
        .await
        .expect(201)
        .json();
    assert_eq!(ticket["channel"], "api");
    assert_eq!(ticket["created_by"]["kind"], "api_key");
    assert_eq!(ticket["requester_id"], Value::Null);
    key.get("/api/v1/tickets")
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn external_email_addresses_are_masked_without_permission() {
    let (app, demo) = app().await;
    let body = json!({"title": "x", "requester_email": "Maria@Example.org"});
    let id = app
        .as_user(&demo.manager)
        .post("/api/v1/tickets", body)
        .await
        .expect(201)
        .id();
    let path = format!("/api/v1/tickets/{id}");
    assert_eq!(
        app.as_user(&demo.manager).get(&path).await.json()["requester_email"],
        "maria@example.org"
    );
    assert_eq!(
        app.as_user(&demo.expert).get(&path).await.json()["requester_email"],
        "m•••@example.org"
    );
}

#[tokio::test]
async fn the_address_of_a_person_makes_them_the_requester() {
    let (app, demo) = app().await;
    let (manager, customer) = (app.as_user(&demo.manager), app.as_user(&demo.customer));
    let mut body = json!({"title": "x", "requester_email": demo.customer.email});
    let ticket = manager.post("/api/v1/tickets", body.clone()).await;
    let ticket = ticket.expect(201).json();
    assert_eq!(ticket["requester_id"], json!(demo.customer.id));
    assert_eq!(ticket["requester_email"], Value::Null);
    let path = format!("/api/v1/tickets/{}", ticket["id"].as_str().unwrap());
    customer.get(&path).await.expect(200);
    body["requester_email"] = json!("someone@elsewhere.example");
    let ticket = manager.post("/api/v1/tickets", body.clone()).await;
    let ticket = ticket.expect(201).json();
    assert_eq!(ticket["requester_email"], "someone@elsewhere.example");
    assert_eq!(ticket["requester_id"], Value::Null);
    body["requester_id"] = json!(demo.customer.id);
    let problem = manager.post("/api/v1/tickets", body).await;
    let problem = problem.expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "one_requester");
}

#[tokio::test]
async fn a_form_learns_the_categories_and_a_list_names_who_opened_a_ticket() {
    let (app, demo) = app().await;
    let customer = app.as_user(&demo.customer);
    let categories = customer.get("/api/v1/tickets/categories").await;
    let categories = categories.expect(200).json();
    let names: Vec<&Value> = categories["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["name"])
        .collect();
    assert!(names.contains(&&json!("billing")), "{names:?}");
    for name in names {
        let body = json!({"title": "x", "description": "x", "category": name});
        customer.post("/api/v1/tickets", body).await.expect(201);
    }
    let list = customer.get("/api/v1/tickets").await.expect(200).json();
    let opened_by = &list["items"][0]["created_by"];
    let path = format!(
        "/api/v1/tickets/{}",
        list["items"][0]["id"].as_str().unwrap()
    );
    let one = customer.get(&path).await.expect(200).json();
    assert!(opened_by["name"].is_string());
    assert_eq!(&one["created_by"], opened_by);
}

#[tokio::test]
async fn staff_without_an_organisation_are_told_to_name_one() {
    let (app, demo) = app().await;
    let staff = app.as_user(&app.superadmin().await);
    staff
        .get("/api/v1/tickets")
        .await
        .expect_problem(400, "tenant_required");
    staff
        .with("x-tenant-id", &demo.id.to_string())
        .with("x-reason", "asked to look at a ticket")
        .get("/api/v1/tickets")
        .await
        .expect(200);
}

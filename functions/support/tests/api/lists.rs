//! Listing tickets: filters, sort orders, pagination, search.

use serde_json::{Value, json};
use testkit::Client;

use crate::app;

async fn titles(client: &Client, query: &str) -> Vec<String> {
    let page = client
        .get(&format!("/api/v1/tickets?{query}"))
        .await
        .expect(200)
        .json();
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ticket| ticket["title"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn filters_select_and_sorts_order() {
    let (app, demo) = app().await;
    let manager = app.as_user(&demo.manager);
    for (title, body) in [
        (
            "a",
            json!({"priority": "low", "category": "bug", "tags": ["x"], "due_at": "2026-11-19T00:00:00Z"}),
        ),
        (
            "b",
            json!({"priority": "urgent", "assigned_to": demo.expert.id, "due_at": "2026-12-19T00:00:00Z"}),
        ),
        (
            "c",
            json!({"priority": "high", "requester_id": demo.customer.id}),
        ),
    ] {
        let mut body = body;
        body["title"] = json!(title);
        manager.post("/api/v1/tickets", body).await.expect(201);
        app.clock.advance(std::time::Duration::from_mins(1));
    }
    for (query, wanted) in [
        ("", vec!["c", "b", "a"]),
        ("sort=created", vec!["a", "b", "c"]),
        ("sort=-priority", vec!["b", "c", "a"]),
        ("sort=priority", vec!["a", "c", "b"]),
        ("sort=due", vec!["a", "b", "c"]),
        ("sort=-due", vec!["c", "b", "a"]),
        ("priority=low", vec!["a"]),
        ("category=bug", vec!["a"]),
        ("tag=X", vec!["a"]),
        ("overdue=true", vec!["a"]),
        ("assigned_to=none", vec!["c", "a"]),
        ("created_from=2026-11-20T10:01:00Z", vec!["c", "b"]),
        ("created_to=2026-11-20T10:01:00Z", vec!["a"]),
        ("created_to=2026-11-20T11:01:00%2B01:00", vec!["a"]),
        ("status=closed", vec![]),
        (&format!("requester={}", demo.customer.id), vec!["c"]),
        (&format!("assigned_to={}", demo.expert.id), vec!["b"]),
    ] {
        assert_eq!(titles(&manager, query).await, wanted, "{query}");
    }
    assert_eq!(
        titles(&app.as_user(&demo.expert), "assigned_to=me").await,
        ["b"]
    );
    assert_eq!(titles(&app.as_user(&demo.customer), "").await, ["c"]);
    assert!(titles(&app.as_user(&demo.customer2), "").await.is_empty());
}

#[tokio::test]
async fn search_finds_german_and_english_stems_and_numbers() {
    let (app, demo) = app().await;
    let manager = app.as_user(&demo.manager);
    for title in [
        "Rechnungen fehlen",
        "Printer is broken",
        "100% \\ wrong_ thing",
    ] {
        manager
            .post("/api/v1/tickets", json!({"title": title}))
            .await
            .expect(201);
    }
    for (query, wanted) in [
        ("rechnung", vec!["Rechnungen fehlen"]),
        ("printers", vec!["Printer is broken"]),
        ("T-1002", vec!["Printer is broken"]),
        ("t-1001", vec!["Rechnungen fehlen"]),
        ("1002", vec!["Printer is broken"]),
        ("%231002", vec!["Printer is broken"]),
        ("%23T-1002", vec!["Printer is broken"]),
        (
            "%5BT-1002%5D%20We%20have%20received%20your%20request",
            vec!["Printer is broken"],
        ),
        ("%5BT-100%5D%20x", vec![]),
        ("T", vec![]),
        ("T-", vec![]),
        ("T-9", vec![]),
        ("%25", vec![]),
        ("_", vec![]),
        ("%5C", vec![]),
        ("%22unbalanced", vec![]),
        ("%26%7C!()%3A*", vec![]),
    ] {
        assert_eq!(
            titles(&manager, &format!("q={query}")).await,
            wanted,
            "{query}"
        );
    }
}

#[tokio::test]
async fn pagination_returns_each_ticket_once_in_every_order() {
    let (app, demo) = app().await;
    let manager = app.as_user(&demo.manager);
    for index in 0..11 {
        let priority = ["low", "medium", "high", "urgent"][index % 4];
        let due = if index % 3 == 0 {
            Value::Null
        } else {
            json!(format!("2026-12-{:02}T00:00:00Z", 1 + index / 2))
        };
        manager
            .post(
                "/api/v1/tickets",
                json!({"title": index.to_string(), "priority": priority, "due_at": due}),
            )
            .await
            .expect(201);
        if index % 2 == 0 {
            app.clock.advance(std::time::Duration::from_micros(1));
        }
    }
    for sort in [
        "created",
        "-created",
        "updated",
        "-updated",
        "priority",
        "-priority",
        "due",
        "-due",
    ] {
        let whole = titles(&manager, &format!("sort={sort}&limit=200")).await;
        assert_eq!(whole.len(), 11);
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = manager
                .get(&format!("/api/v1/tickets?sort={sort}&limit=3{cursor}"))
                .await
                .expect(200)
                .json();
            paged.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|t| t["title"].as_str().unwrap().to_owned()),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, whole, "{sort}");
    }
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_list_tenant_and_person() {
    let (app, demo) = app().await;
    let other = app.tenant("other").await;
    let manager = app.as_user(&demo.manager);
    for title in ["a", "b"] {
        manager
            .post("/api/v1/tickets", json!({"title": title}))
            .await
            .expect(201);
    }
    let page = manager
        .get("/api/v1/tickets?limit=1")
        .await
        .expect(200)
        .json();
    let cursor = page["next_cursor"].as_str().unwrap();
    manager
        .get(&format!("/api/v1/tickets?limit=1&cursor={cursor}"))
        .await
        .expect(200);
    for paging in ["limit=2", "count=true"] {
        manager
            .get(&format!("/api/v1/tickets?{paging}&cursor={cursor}"))
            .await
            .expect(200);
    }
    for (client, query) in [
        (app.as_user(&demo.manager), "status=open&"),
        (app.as_user(&demo.manager), "sort=created&"),
        (app.as_user(&demo.expert), ""),
        (app.as_user(&other.manager), ""),
    ] {
        client
            .get(&format!("/api/v1/tickets?{query}cursor={cursor}"))
            .await
            .expect_problem(400, "invalid_cursor");
    }
    manager
        .get("/api/v1/tickets?cursor=nonsense")
        .await
        .expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn an_unchanged_ticket_is_not_sent_again() {
    let (app, demo) = app().await;
    let manager = app.as_user(&demo.manager);
    let created = manager
        .post("/api/v1/tickets", json!({"title": "a"}))
        .await
        .expect(201);
    let path = format!("/api/v1/tickets/{}", created.id());
    let again = manager
        .call(http::Method::GET, &path)
        .header("if-none-match", created.header("etag"))
        .send()
        .await
        .expect(304);
    assert!(again.body.is_empty());
    manager
        .call(http::Method::GET, &path)
        .header("if-none-match", "\"0\"")
        .send()
        .await
        .expect(200);
}

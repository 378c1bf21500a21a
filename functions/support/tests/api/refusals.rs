//! Invalid input and missing permissions.

use http::Method;
use serde_json::json;

use crate::app;

#[tokio::test]
async fn invalid_bodies_return_the_documented_problem() {
    let (app, demo) = app().await;
    let manager = app.as_user(&demo.manager);
    let send = |content_type: &'static str, body: Vec<u8>| {
        manager
            .call(Method::POST, "/api/v1/tickets")
            .header("content-type", content_type)
            .bytes(body)
            .send()
    };
    send("application/json", b"{".to_vec())
        .await
        .expect_problem(400, "invalid_json");
    send("application/json", Vec::new())
        .await
        .expect_problem(400, "invalid_json");
    send("application/json", b"{\"title\": \"\xff\"}".to_vec())
        .await
        .expect_problem(400, "invalid_json");
    send("text/plain", b"{}".to_vec())
        .await
        .expect_problem(415, "unsupported_media_type");
    send("application/json", b"[]".to_vec())
        .await
        .expect_problem(422, "validation_failed");
    send("application/json", vec![b' '; 10 << 20])
        .await
        .expect_problem(413, "too_large");
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    send("application/json", nested.into_bytes())
        .await
        .expect_problem(400, "invalid_json");
    let refusal = manager
        .post("/api/v1/tickets", json!({"title": "a\u{0}", "priority": "soon", "tags": [1], "extra": true, "due_at": "tomorrow"}))
        .await
        .expect_problem(422, "validation_failed");
    let mut pointers: Vec<&str> = refusal["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    pointers.dedup();
    assert_eq!(
        pointers,
        ["/due_at", "/extra", "/priority", "/tags/0", "/title"]
    );
    let none = manager
        .get("/api/v1/tickets?count=true")
        .await
        .expect(200)
        .json();
    assert_eq!(none["total"], 0);
}

#[tokio::test]
async fn a_decompression_bomb_is_refused() {
    let (app, demo) = app().await;
    // 20 MB of spaces, compressed to about 20 kB.
    let bomb = include_bytes!("bomb.gz").to_vec();
    app.as_user(&demo.manager)
        .call(Method::POST, "/api/v1/tickets")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .bytes(bomb)
        .send()
        .await
        .expect_problem(413, "too_large");
}

#[tokio::test]
async fn invalid_queries_and_paths_return_the_documented_problem() {
    let (app, demo) = app().await;
    let manager = app.as_user(&demo.manager);
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "status=new",
        "stauts=open",
        "assigned_to=you",
        "q=%00",
        "created_from=yesterday",
        "created_from=99999-01-01T00:00:00Z",
    ] {
        manager
            .get(&format!("/api/v1/tickets?{query}"))
            .await
            .expect_problem(422, "validation_failed");
    }
    for id in [
        "1",
        "x",
        "%00",
        "019ab1f2000070008000000000000001",
        "019ab1f2-0000-7000-8000-000000000001",
    ] {
        manager
            .get(&format!("/api/v1/tickets/{id}"))
            .await
            .expect_problem(404, "not_found");
    }
    let refusal = manager.call(Method::DELETE, "/api/v1/tickets").send().await;
    assert!(
        refusal.header("allow").contains("GET"),
        "{:?}",
        refusal.headers
    );
    refusal.expect_problem(405, "method_not_allowed");
    manager
        .get("/api/v1/nowhere")
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn missing_or_invalid_credentials_are_refused() {
    let (app, demo) = app().await;
    let refusal = app.anonymous().get("/api/v1/tickets").await;
    assert!(refusal.header("www-authenticate").starts_with("Bearer"));
    refusal.expect_problem(401, "unauthenticated");
    let token = app.token(&demo.manager);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for bad in [
        forged.as_str(),
        "x",
        "",
        "rvz_live_1_2",
        &token[..token.len() - 1],
    ] {
        app.anonymous()
            .bearer(bad)
            .get("/api/v1/tickets")
            .await
            .expect_problem(401, "unauthenticated");
    }
    app.anonymous()
        .bearer(&token)
        .get("/api/v1/tickets")
        .await
        .expect(200);
    // Two credentials are ambiguous.
    app.anonymous()
        .bearer(&token)
        .with("x-api-key", "x")
        .get("/api/v1/tickets")
        .await
        .expect_problem(400, "several_credentials");
    app.clock.advance(std::time::Duration::from_mins(11));
    app.anonymous()
        .bearer(&token)
        .get("/api/v1/tickets")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_disabled_feature_refuses_every_route_and_a_suspended_tenant_can_only_read() {
    let (app, demo) = app().await;
    let customer = app.as_user(&demo.customer);
    let id = customer
        .post("/api/v1/tickets", json!({"title": "x"}))
        .await
        .expect(201)
        .id();
    let set = async |column: &str, value: &str| {
        let sql = format!(
            "update access.tenants set {column} = '{value}' where tenant_id = '{}'",
            demo.id
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut app.admin().await)
            .await
            .unwrap();
    };
    set("status", "suspended").await;
    customer
        .get(&format!("/api/v1/tickets/{id}"))
        .await
        .expect(200);
    customer
        .post("/api/v1/tickets", json!({"title": "y"}))
        .await
        .expect_problem(403, "tenant_suspended");
    set("status", "closed").await;
    customer
        .get("/api/v1/tickets")
        .await
        .expect_problem(401, "unauthenticated");
    set("status", "active").await;
    set("features", "{\"support\": false}").await;
    customer
        .get("/api/v1/tickets")
        .await
        .expect_problem(403, "feature_disabled");
    customer
        .post("/api/v1/tickets", json!({"title": "y"}))
        .await
        .expect_problem(403, "feature_disabled");
}

#[tokio::test]
async fn problems_are_in_the_language_of_the_client() {
    let (app, demo) = app().await;
    let german = app
        .as_user(&demo.customer)
        .with("accept-language", "de-DE,de;q=0.9");
    let refusal = german.post("/api/v1/tickets", json!({})).await;
    assert_eq!(refusal.header("content-language"), "de");
    let refusal = refusal.expect_problem(422, "validation_failed");
    assert_eq!(refusal["title"], "Ungültige Eingaben");
    assert_eq!(refusal["errors"][0]["detail"], "ist erforderlich");
    assert_eq!(refusal["instance"], "/api/v1/tickets");
    assert!(!refusal["request_id"].as_str().unwrap().is_empty());
}

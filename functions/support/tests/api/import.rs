//! Importing tickets.

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use testkit::{Client, TestApp, TestResponse};

use crate::app;

async fn send(client: &Client, query: &str, media: &str, body: impl Into<String>) -> TestResponse {
    client
        .call(
            http::Method::POST,
            &format!("/api/v1/tickets/import{query}"),
        )
        .header("content-type", media)
        .bytes(body.into())
        .send()
        .await
}

async fn import(client: &Client, query: &str, csv: impl Into<String>) -> Value {
    send(client, query, "text/csv", csv)
        .await
        .expect(200)
        .json()
}

/// The numbers of created, updated, unchanged and refused rows.
fn counts(report: &Value) -> [u64; 4] {
    ["created", "updated", "unchanged", "refused"].map(|name| report[name].as_u64().unwrap())
}

/// Line, pointer and code of every refused row.
fn refusals(report: &Value) -> Vec<String> {
    let rows = report["refusals"].as_array().unwrap().iter();
    rows.map(|row| {
        let error = &row["errors"][0];
        let [pointer, code] = ["pointer", "code"].map(|name| error[name].as_str().unwrap());
        format!("{} {pointer} {code}", row["line"])
    })
    .collect()
}

/// A CSV file with this many tickets.
fn csv_of(tickets: usize) -> String {
    let mut file = "external_id,title,requester_email\n".to_owned();
    for n in 0..tickets {
        let n = n.to_string();
        let line = ["x", &n, ",Ticket ", &n, ",outside", &n, "@old.example\n"];
        file.extend(line);
    }
    file
}

async fn count(app: &TestApp, of: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {of}")))
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap()
}

/// A ticket with all fields.
fn old_ticket() -> Value {
    json!([{
        "external_id": "4711", "number": "T-0815", "title": "Heating", "description": "Cold.\nVery.", "status": "closed",
        "priority": "high", "category": "request", "tags": ["Heating", "heating"], "channel": "mail",
        "requester_email": "Customer@demo.example", "assignee_email": "expert@demo.example", "created_at": "2024-03-01T10:00:00Z",
        "first_responded_at": "2024-03-01T11:00:00Z", "resolved_at": "2024-03-02T10:00:00Z", "closed_at": "2024-03-09T10:00:00Z",
        "comments": [
            {"author_email": "expert@demo.example", "content": "Tomorrow.", "created_at": "2024-03-01T11:00:00Z"},
            {"author_email": "gone@old.example", "content": "Strange person.", "visibility": "internal", "created_at": "2024-03-01T12:00:00Z"}
        ]
    }])
}

#[tokio::test]
async fn tickets_are_imported_with_their_history_and_only_once() {
    let (app, demo) = app().await;
    let admin = app.as_user(&demo.admin);
    let rows = old_ticket();
    let dry = send(
        &admin,
        "?dry_run=true&source=zendesk",
        "application/json",
        rows.to_string(),
    )
    .await;
    assert_eq!(counts(&dry.expect(200).json()), [1, 0, 0, 0]);
    assert_eq!(
        count(&app, "support.tickets").await,
        0,
        "a dry run changes nothing"
    );
    for wanted in [[1, 0, 0, 0], [0, 0, 1, 0]] {
        let done = send(
            &admin,
            "?source=zendesk",
            "application/json",
            rows.to_string(),
        )
        .await;
        assert_eq!(counts(&done.expect(200).json()), wanted);
    }
    let list = admin.get("/api/v1/tickets").await.expect(200).json();
    let ticket = &list["items"][0];
    assert_eq!(list["items"][1], Value::Null, "only one ticket exists");
    for (field, wanted) in [
        ("number", json!("T-815")),
        ("status", json!("closed")),
        ("priority", json!("high")),
        ("tags", json!(["heating"])),
        ("channel", json!("mail")),
        ("requester_id", json!(demo.customer.id)),
        ("requester_email", Value::Null),
        ("assigned_to", json!(demo.expert.id)),
        ("created_at", json!("2024-03-01T10:00:00Z")),
        ("resolved_at", json!("2024-03-02T10:00:00Z")),
        ("closed_at", json!("2024-03-09T10:00:00Z")),
        ("updated_at", json!("2024-03-09T10:00:00Z")),
    ] {
        assert_eq!(ticket[field], wanted, "{field}");
    }
    let path = format!("/api/v1/tickets/{}", ticket["id"].as_str().unwrap());
    // The requester sees public entries, and not where the ticket comes from.
    let customer = app.as_user(&demo.customer);
    let comments = customer
        .get(&format!("{path}/comments"))
        .await
        .expect(200)
        .json();
    assert_eq!(comments["items"].as_array().unwrap().len(), 1);
    assert_eq!(comments["items"][0]["author"]["name"], "expert");
    let entries = |history: &Value| -> Vec<String> {
        let items = history["items"].as_array().unwrap().iter();
        items
            .map(|entry| format!("{} {}", entry["field"], entry["new"]))
            .collect()
    };
    let seen = customer
        .get(&format!("{path}/history"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        entries(&seen),
        [
            "\"created\" \"open\"",
            "\"status\" \"resolved\"",
            "\"status\" \"closed\""
        ]
    );
    let all = admin
        .get(&format!("{path}/history"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        entries(&all)[3],
        "\"imported\" {\"external_id\":\"4711\",\"source\":\"zendesk\"}"
    );
    assert_eq!(all["items"][3]["actor"]["id"], json!(demo.admin.id));
    // One event for the import, and none for the creation of a ticket.
    assert_eq!(count(&app, "events.outbox").await, 1);
    assert_eq!(
        count(
            &app,
            "events.outbox where type = 'de.revalenz.support.ticket.imported.v1'"
        )
        .await,
        1
    );
    assert_eq!(
        count(
            &app,
            "access.audit_log where action = 'support.ticket.imported'"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn numbers_are_kept_or_assigned_above_existing_ones() {
    let (app, demo) = app().await;
    let admin = app.as_user(&demo.admin);
    admin
        .post("/api/v1/tickets", json!({"title": "first of all"}))
        .await
        .expect(201);
    let file = "external_id,number,title\na,,A\nb,2000,B\nc,T-1001,C\nd,2000,D\ne,,E\nf,0,F\ng,999999999,G\n";
    let report = import(&admin, "", file).await;
    assert_eq!(counts(&report), [3, 0, 0, 4]);
    assert_eq!(
        refusals(&report),
        [
            "4 /number number_taken",
            "5 /number duplicate",
            "7 /number out_of_range",
            "8 /number out_of_range"
        ]
    );
    let next = admin
        .post("/api/v1/tickets", json!({"title": "next"}))
        .await
        .expect(201);
    assert_eq!(next.json()["number"], "T-2003");
    let numbers = "support.tickets where number in (1001, 2000, 2001, 2002, 2003)";
    assert_eq!(count(&app, numbers).await, 5);
}

#[tokio::test]
async fn invalid_rows_are_reported_by_line() {
    let (app, demo) = app().await;
    let admin = app.as_user(&demo.admin);
    let file = "external_id;title;status;category;assignee_email;created_at;resolved_at;closed_at;tags\n\
        1;fine;;;expert@demo.example;2024-01-01T00:00:00Z;;;a, b\n\
        2;nobody;;;who@demo.example;;;;\n\
        3;customer;;;customer@demo.example;;;;\n\
        4;nonsense;;nonsense;;;;;\n\
        5;future;;;;2027-01-01T00:00:00Z;;;\n\
        6;unresolved;resolved;;;;;;\n\
        7;too early;resolved;;;2024-01-01T00:00:00Z;2023-01-01T00:00:00Z;;\n\
        8;open, yet closed;;;;2024-01-01T00:00:00Z;;2024-02-01T00:00:00Z;\n\
        9;closed before;closed;;;2024-01-01T00:00:00Z;2024-03-01T00:00:00Z;2024-02-01T00:00:00Z;\n\
        ;no id;;;;;;;\n\
        1;twice;;;;;;;\n\
        11;nowhen;;;;yesterday;;;\n\
        12;;;;;;;;\n";
    let report = import(&admin, "", file).await;
    assert_eq!(counts(&report), [1, 0, 0, 12]);
    assert_eq!(
        refusals(&report),
        [
            "3 /assignee_email not_staff",
            "4 /assignee_email not_staff",
            "5 /category not_one_of",
            "6 /created_at in_the_future",
            "7 /resolved_at required",
            "8 /resolved_at too_early",
            "9 /closed_at other_status",
            "10 /closed_at too_early",
            "11 /external_id required",
            "12 /external_id duplicate",
            "13 /created_at invalid_format",
            "14 /title required",
        ]
    );
    let dry = import(&admin, "?dry_run=true", file).await;
    assert_eq!(
        dry["refusals"], report["refusals"],
        "a dry run reports the same"
    );
}

#[tokio::test]
async fn concurrent_imports_of_one_file_create_each_ticket_once() {
    let (app, demo) = app().await;
    let admin = app.as_user(&demo.admin);
    let file = csv_of(600);
    // An earlier import was interrupted after one batch.
    let first: Vec<&str> = file.split_inclusive('\n').take(251).collect();
    let first = first.concat();
    import(&admin, "", first).await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (client, file) = (admin.clone(), file.clone());
        running.spawn(async move {
            loop {
                let answer = send(&client, "", "text/csv", file.as_str()).await;
                // Retry while the other import holds the lock.
                if answer.status != 503 {
                    break answer.expect(200).json();
                }
            }
        });
    }
    for report in running.join_all().await {
        let [created, updated, unchanged, refused] = counts(&report);
        assert_eq!((created + unchanged, updated, refused), (600, 0, 0));
    }
    assert_eq!(count(&app, "support.tickets").await, 600);
    let distinct =
        "(select distinct number from support.tickets where number between 1001 and 1600) n";
    assert_eq!(
        count(&app, distinct).await,
        600,
        "numbers are unique and consecutive"
    );
}

#[tokio::test]
async fn importing_requires_permission_and_stays_within_the_tenant() {
    let (app, demo) = app().await;
    let other = app.tenant("other").await;
    let file = "external_id,title,requester_email\n1,One,customer@demo.example\n";
    for refused in [&demo.manager, &demo.expert, &demo.customer] {
        send(&app.as_user(refused), "", "text/csv", file)
            .await
            .expect_problem(403, "forbidden");
    }
    for client in [
        app.as_user(&other.admin),
        app.key(demo.id, &["support.ticket.import"]).await,
    ] {
        assert_eq!(counts(&import(&client, "", file).await), [1, 0, 0, 0]);
    }
    // A person of another tenant is external here.
    let list = app
        .as_user(&other.admin)
        .get("/api/v1/tickets")
        .await
        .json();
    assert_eq!(list["items"][0]["requester_id"], Value::Null);
    assert_eq!(list["items"][0]["requester_email"], "customer@demo.example");
    // External ids are unique per source.
    let admin = app.as_user(&demo.admin);
    assert_eq!(
        counts(&import(&admin, "?source=jira", file).await),
        [1, 0, 0, 0]
    );
    send(&admin, "?source=", "text/csv", file)
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn an_import_interrupted_repeatedly_creates_each_ticket_once() {
    let (app, demo) = app().await;
    let admin = app.as_user(&demo.admin);
    let file = csv_of(900);
    // Drop the request at different times, as if the client disconnected.
    for timeout_ms in [5, 60, 120, 180, 240] {
        let timeout = std::time::Duration::from_millis(timeout_ms);
        let _ = tokio::time::timeout(timeout, send(&admin, "", "text/csv", file.as_str())).await;
    }
    let report = loop {
        let answer = send(&admin, "", "text/csv", file.as_str()).await;
        // Dropped requests may still be rolling back.
        if answer.status != 503 {
            break answer.expect(200).json();
        }
    };
    let [created, _, unchanged, refused] = counts(&report);
    assert_eq!((created + unchanged, refused), (900, 0));
    for (table, rows) in [
        ("support.tickets where number between 1001 and 1900", 900),
        ("support.tickets", 900),
        ("support.ticket_history", 1_800),
    ] {
        assert_eq!(count(&app, table).await, rows, "{table}");
    }
}

#[tokio::test]
async fn the_report_names_what_became_of_each_row() {
    let (app, demo) = app().await;
    let admin = app.as_user(&demo.admin);
    let file = "external_id,title,number\na,One,T-7\nb,,\na,Again,\n";
    let report = import(&admin, "", file).await;
    let results = report["results"].as_array().unwrap();
    let outcomes: Vec<&Value> = results.iter().map(|result| &result["outcome"]).collect();
    assert_eq!(outcomes, ["created", "refused", "refused"]);
    assert_eq!(
        (&results[0]["line"], &results[0]["number"]),
        (&json!(2), &json!("T-7"))
    );
    let path = format!("/api/v1/tickets/{}", results[0]["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200).json()["title"], "One");
    let again = import(&admin, "", "external_id,title\na,One\n").await;
    let result = &again["results"][0];
    assert_eq!(
        (&result["outcome"], &result["id"]),
        (&json!("unchanged"), &results[0]["id"])
    );
}

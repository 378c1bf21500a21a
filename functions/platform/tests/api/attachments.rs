//! Ticket attachments: a grant of support gives access to the files of a ticket.

use std::{path::PathBuf, time::Duration};

use events::Environment;
use http::Method;
use serde_json::{Value, json};
use testkit::{Call, Client, TestApp, TestTenant};

/// A multipart form with one file.
pub fn form(client: &Client, query: &str, name: &str, content: &[u8]) -> Call {
    let mut body = format!(
        "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--limit--\r\n");
    client
        .call(Method::POST, &format!("/api/v1/files{query}"))
        .header("content-type", "multipart/form-data; boundary=limit")
        .bytes(body)
}

/// Returns a unique path for a temporary folder.
pub fn temporary_folder() -> PathBuf {
    let salt = u64::from_be_bytes(access::opaque::random());
    std::env::temp_dir().join(format!("rvz-files-{salt:016x}"))
}

async fn create_app() -> (TestApp, TestTenant, PathBuf) {
    let folder = temporary_folder();
    let objects = folder.to_str().unwrap();
    let environment = Environment::of([("REVALENZ_OBJECTS_FOLDER", objects)]);
    let app = TestApp::with_environment(&[&files::CONTEXT, &support::CONTEXT], &environment).await;
    let demo = app.tenant("demo").await;
    (app, demo, folder)
}

/// Returns the client with a grant for the ticket's files.
async fn with_grant(client: &Client, ticket: &str) -> Client {
    let grant = create_grant(client, ticket).await;
    client.clone().with("x-file-grant", &grant)
}

async fn create_grant(client: &Client, ticket: &str) -> String {
    let path = format!("/api/v1/tickets/{ticket}/file-grant");
    let answer = client.get(&path).await.expect(200).json();
    answer["grant"].as_str().unwrap().to_owned()
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn ticket_viewers_can_access_its_files() {
    let (app, demo, folder) = create_app().await;
    let (customer, expert) = (app.as_user(&demo.customer), app.as_user(&demo.expert));
    let other = app.as_user(&demo.customer2);
    let ticket = customer
        .post("/api/v1/tickets", json!({"title": "It squeaks"}))
        .await
        .expect(201)
        .id();
    let resource = format!("ticket:{ticket}");
    let list = format!("/api/v1/files?resource={resource}");
    let query = format!("?resource={resource}");

    // Attaching needs a grant for this ticket.
    form(&customer, &query, "door.txt", b"door")
        .send()
        .await
        .expect_problem(403, "file_grant_invalid");
    let second = customer
        .post("/api/v1/tickets", json!({"title": "Another"}))
        .await
        .expect(201)
        .id();
    let wrong = with_grant(&customer, &second).await;
    form(&wrong, &query, "door.txt", b"door")
        .send()
        .await
        .expect_problem(403, "file_grant_invalid");

    let grant = create_grant(&customer, &ticket).await;
    let with = customer.clone().with("x-file-grant", &grant);
    let door = form(&with, &query, "door.txt", b"door")
        .send()
        .await
        .expect(201)
        .id();
    let staff = with_grant(&expert, &ticket).await;
    app.clock.advance(Duration::from_secs(1));
    let answer = form(&staff, &query, "answer.txt", b"answer")
        .send()
        .await
        .expect(201)
        .id();
    app.clock.advance(Duration::from_secs(1));
    let note = form(
        &staff,
        &format!("{query}&internal=true"),
        "note.txt",
        b"note",
    )
    .send()
    .await
    .expect(201)
    .id();

    assert_eq!(
        names(&with.get(&list).await.expect(200).json()),
        ["answer.txt", "door.txt"]
    );
    assert_eq!(
        names(&staff.get(&list).await.expect(200).json()),
        ["note.txt", "answer.txt", "door.txt"]
    );
    let content = |id: &str| format!("/api/v1/files/{id}/content");
    assert_eq!(
        with.get(&content(&answer)).await.expect(200).text(),
        "answer"
    );
    with.get(&content(&note))
        .await
        .expect_problem(404, "not_found");
    assert_eq!(staff.get(&content(&door)).await.expect(200).text(), "door");

    // Without the grant, the customer sees only their own files, and another customer none.
    customer
        .get(&content(&answer))
        .await
        .expect_problem(404, "not_found");
    other
        .get(&format!("/api/v1/tickets/{ticket}/file-grant"))
        .await
        .expect_problem(404, "not_found");
    other
        .get(&content(&door))
        .await
        .expect_problem(404, "not_found");
    let stolen = other.clone().with("x-file-grant", &grant);
    stolen
        .get(&list)
        .await
        .expect_problem(403, "file_grant_invalid");

    // A customer cannot mark files as internal, and a grant does not allow deleting files of others.
    let hidden = form(&with, &format!("{query}&internal=true"), "x", b"x")
        .send()
        .await;
    hidden.expect_problem(422, "validation_failed");
    with.delete(&format!("/api/v1/files/{answer}"))
        .await
        .expect_problem(404, "not_found");

    app.clock.advance(Duration::from_mins(10));
    let fresh = app.as_user(&demo.customer);
    let old = fresh.clone().with("x-file-grant", &grant);
    old.get(&list)
        .await
        .expect_problem(403, "file_grant_invalid");
    let _ = std::fs::remove_dir_all(folder);
}

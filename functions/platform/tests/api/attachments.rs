//! Files of tickets: who sees the ticket sees them, by a grant that support gives out.

use std::{path::PathBuf, sync::Arc, time::Duration};

use blob::{Folder, Store};
use files::Scanner;
use http::Method;
use serde_json::{Value, json};
use testkit::{Call, Client, Maker, Stage, TestTenant};

/// A form with one file.
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

/// A name for a folder that nobody else has.
pub fn folder() -> PathBuf {
    let salt = u64::from_be_bytes(access::opaque::random());
    std::env::temp_dir().join(format!("rvz-files-{salt:016x}"))
}

async fn stage() -> (Stage, TestTenant, PathBuf) {
    let folder = folder();
    let objects = folder.clone();
    let files: Maker = Arc::new(move |db, gate| {
        let store = Store::Folder(Folder::new(&objects));
        files::service_with(db, gate, store, Scanner::Trusting)
    });
    let stage = Stage::made_of(vec![
        ("files", files),
        ("support", Arc::new(support::service)),
    ])
    .await;
    let demo = stage.tenant("demo").await;
    (stage, demo, folder)
}

/// The caller, with leave for the ticket's files.
async fn granted(client: &Client, ticket: &str) -> Client {
    let grant = grant_of(client, ticket).await;
    client.clone().with("x-file-grant", &grant)
}

async fn grant_of(client: &Client, ticket: &str) -> String {
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
async fn who_sees_the_ticket_sees_its_files() {
    let (stage, demo, folder) = stage().await;
    let (customer, expert) = (stage.as_(&demo.customer), stage.as_(&demo.expert));
    let other = stage.as_(&demo.customer2);
    let ticket = customer
        .post("/api/v1/tickets", json!({"title": "It squeaks"}))
        .await
        .expect(201)
        .id();
    let resource = format!("ticket:{ticket}");
    let list = format!("/api/v1/files?resource={resource}");
    let query = format!("?resource={resource}");

    // Without a grant nobody attaches anything, with another ticket's neither.
    form(&customer, &query, "door.txt", b"door")
        .send()
        .await
        .refused(403, "file_grant_invalid");
    let second = customer
        .post("/api/v1/tickets", json!({"title": "Another"}))
        .await
        .expect(201)
        .id();
    let wrong = granted(&customer, &second).await;
    form(&wrong, &query, "door.txt", b"door")
        .send()
        .await
        .refused(403, "file_grant_invalid");

    let grant = grant_of(&customer, &ticket).await;
    let with = customer.clone().with("x-file-grant", &grant);
    let door = form(&with, &query, "door.txt", b"door")
        .send()
        .await
        .expect(201)
        .id();
    let staff = granted(&expert, &ticket).await;
    stage.clock.advance(Duration::from_secs(1));
    let answer = form(&staff, &query, "answer.txt", b"answer")
        .send()
        .await
        .expect(201)
        .id();
    stage.clock.advance(Duration::from_secs(1));
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
    with.get(&content(&note)).await.refused(404, "not_found");
    assert_eq!(staff.get(&content(&door)).await.expect(200).text(), "door");

    // Without the grant the customer sees no more than their own, and another customer nothing at all.
    customer
        .get(&content(&answer))
        .await
        .refused(404, "not_found");
    other
        .get(&format!("/api/v1/tickets/{ticket}/file-grant"))
        .await
        .refused(404, "not_found");
    other.get(&content(&door)).await.refused(404, "not_found");
    let stolen = other.clone().with("x-file-grant", &grant);
    stolen.get(&list).await.refused(403, "file_grant_invalid");

    // A customer can't mark theirs as internal, and nobody deletes another's by a grant.
    let hidden = form(&with, &format!("{query}&internal=true"), "x", b"x")
        .send()
        .await;
    hidden.refused(422, "validation_failed");
    with.delete(&format!("/api/v1/files/{answer}"))
        .await
        .refused(404, "not_found");

    stage.clock.advance(Duration::from_mins(10));
    let fresh = stage.as_(&demo.customer);
    let old = fresh.clone().with("x-file-grant", &grant);
    old.get(&list).await.refused(403, "file_grant_invalid");
    let _ = std::fs::remove_dir_all(folder);
}

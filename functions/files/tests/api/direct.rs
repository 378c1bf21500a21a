//! Direct uploads to and downloads from the object store with signed URLs: S3 (moto, which does not verify signatures) and a
//! fake of Google Cloud Storage (which does).

#[cfg(feature = "gcp")]
mod gcs;
mod s3;

use std::time::Duration;

use http::StatusCode;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use testkit::{Client, TestResponse};

use crate::{Fixture, eicar, noise, sha256};

/// Starts a direct upload.
async fn begin(client: &Client, body: Value) -> Value {
    let slot = client
        .post("/api/v1/uploads", body)
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&slot["protocol"], &slot["method"]),
        (&json!("put"), &json!("PUT"))
    );
    slot
}

/// Sends content to the URL of a slot, with its headers.
async fn put(slot: &Value, bytes: Vec<u8>) -> StatusCode {
    let address = slot["url"].as_str().unwrap();
    let mut request = reqwest::Client::new().put(address).body(bytes);
    for (name, value) in slot["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.send().await.unwrap().status()
}

async fn complete(client: &Client, slot: &Value) -> TestResponse {
    let id = slot["id"].as_str().unwrap();
    client
        .post(&format!("/api/v1/uploads/{id}/complete"), json!({}))
        .await
}

/// Requests a signed URL.
async fn follow(address: &str) -> reqwest::Response {
    let http = reqwest::Client::builder().redirect(Policy::none());
    http.build().unwrap().get(address).send().await.unwrap()
}

async fn check_upload_and_download(fixture: &Fixture) {
    let (customer, content) = (fixture.customer(), noise(300_000).to_vec());
    let size = content.len();
    let body = json!({"name": "Größe (1)*.bin", "size": size, "sha256": sha256(&content)});
    let slot = begin(&customer, body).await;
    assert_eq!(fixture.storage_usage().await, (0, 300_000));
    complete(&customer, &slot)
        .await
        .expect_problem(409, "upload_incomplete");
    assert_eq!(put(&slot, content.clone()).await, 200);
    let file = complete(&customer, &slot).await.expect(200).json();
    assert_eq!(
        (&file["status"], &file["size"]),
        (&json!("clean"), &json!(size))
    );
    assert_eq!(file["sha256"], sha256(&content).as_str());
    let again = complete(&customer, &slot).await.expect(200).json();
    assert_eq!(again["version"], file["version"]);
    assert_eq!(fixture.storage_usage().await, (300_000, 0));
    let events = ["file.scanned.v1", "file.uploaded.v1"];
    assert_eq!(fixture.event_types().await, events);

    let path = format!("/api/v1/files/{}", slot["id"].as_str().unwrap());
    let sent = customer.get(&format!("{path}/content")).await.expect(302);
    let link = customer
        .get(&format!("{path}/link"))
        .await
        .expect(200)
        .json();
    for address in [sent.header("location"), link["url"].as_str().unwrap()] {
        let got = follow(address).await;
        assert_eq!(got.status(), 200);
        assert_eq!(got.headers()["content-type"], "application/octet-stream");
        assert_eq!(
            got.headers()["content-disposition"],
            "attachment; filename=\"Gr__e (1)*.bin\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%281%29%2A.bin"
        );
        assert_eq!(got.bytes().await.unwrap(), content);
        let http = reqwest::Client::new().get(address);
        let part = http.header("range", "bytes=1-2").send().await.unwrap();
        assert_eq!(part.status(), 206);
        assert_eq!(part.bytes().await.unwrap(), content[1..3]);
    }

    // Content that is uploaded after the check is never served.
    assert_eq!(put(&slot, vec![0; size]).await, 200);
    let got = follow(sent.header("location")).await;
    assert_eq!(got.bytes().await.unwrap(), content);
    fixture.app.clock.advance(Duration::from_mins(31));
    fixture.run_job("tend-files").await;
    assert_eq!(
        fixture.objects().await.len(),
        1,
        "only the file's own object is left"
    );

    let orphans = json!({"objects": 1, "objects_without_file": 0, "files_without_object": 0});
    assert_eq!(fixture.run_job("report-orphans").await, orphans);
    let customer = fixture.customer();
    customer.delete(&path).await.expect(204);
    customer.get(&format!("{path}/content")).await.expect(404);
    fixture.app.clock.advance(Duration::from_hours(30 * 24));
    fixture.run_job("tend-files").await;
    assert_eq!(fixture.objects().await, [""; 0]);
    fixture.app.clock.advance(Duration::from_mins(1));
    let none = json!({"objects": 0, "objects_without_file": 0, "files_without_object": 0});
    assert_eq!(fixture.run_job("report-orphans").await, none);
    // S3 returns 403 for a missing object to callers who cannot list the bucket.
    let gone = follow(sent.header("location")).await.status();
    assert!(matches!(gone.as_u16(), 403 | 404), "{gone}");
}

/// Requires a scanner that detects EICAR.
async fn check_refused_content(fixture: &Fixture) {
    let customer = fixture.customer();
    let (wanted, other) = (noise(5_000).to_vec(), vec![7; 5_000]);
    let eicar = eicar();
    for (content, sha256, status, failure) in [
        (
            &other,
            Some(sha256(&wanted)),
            "rejected",
            json!("checksum_mismatch"),
        ),
        (&eicar, None, "infected", Value::Null),
    ] {
        let body = json!({"name": "a", "size": content.len(), "sha256": sha256});
        let slot = begin(&customer, body).await;
        assert_eq!(put(&slot, content.clone()).await, 200);
        let file = complete(&customer, &slot).await.expect(200).json();
        assert_eq!(
            (&file["status"], &file["failure"]),
            (&json!(status), &failure)
        );
        let path = format!("/api/v1/files/{}", slot["id"].as_str().unwrap());
        for endpoint in ["content", "link"] {
            let response = customer.get(&format!("{path}/{endpoint}")).await;
            response.expect_problem(403, "file_refused");
        }
    }
    assert_eq!(fixture.storage_usage().await, (0, 0));
    assert_eq!(fixture.objects().await, [""; 0], "no object is kept");
    // Content uploaded again with a URL that is still valid is removed too.
    let slot = begin(&customer, json!({"name": "a", "size": eicar.len()})).await;
    assert_eq!(put(&slot, eicar.clone()).await, 200);
    complete(&customer, &slot).await.expect(200);
    assert_eq!(put(&slot, eicar.clone()).await, 200);
    fixture.app.clock.advance(Duration::from_mins(31));
    fixture.run_job("tend-files").await;
    assert_eq!(fixture.objects().await, [""; 0]);
    // So is that of a slow client whose request started in time and ended only now.
    assert_eq!(put(&slot, eicar.clone()).await, 200);
    fixture.app.clock.advance(Duration::from_hours(24));
    fixture.run_job("tend-files").await;
    assert_eq!(fixture.objects().await, [""; 0]);
}

async fn check_incomplete_upload(fixture: &Fixture) {
    let customer = fixture.customer();
    let slot = begin(&customer, json!({"name": "a", "size": 5})).await;
    assert_eq!(put(&slot, b"hello".to_vec()).await, 200);
    // Only the caller who started an upload can complete it.
    complete(&fixture.admin(), &slot)
        .await
        .expect_problem(404, "not_found");
    assert_eq!(fixture.storage_usage().await, (0, 5));
    fixture.app.clock.advance(Duration::from_hours(24));
    fixture.run_job("tend-files").await;
    complete(&fixture.customer(), &slot)
        .await
        .expect_problem(410, "upload_gone");
    assert_eq!(fixture.storage_usage().await, (0, 0));
    assert_eq!(fixture.objects().await, [""; 0]);
}

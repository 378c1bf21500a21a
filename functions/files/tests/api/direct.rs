//! Bytes that go straight into the store and come straight out of it: by addresses that it takes by plain HTTP, from S3 (moto,
//! which takes any signature) and from what stands in for Google's store (which checks each).

#[cfg(feature = "gcp")]
mod gcs;
mod s3;

use std::time::Duration;

use http::StatusCode;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use testkit::{Client, TestResponse};

use crate::{Place, eicar, noise, sha256};

/// Begins an upload straight into the store.
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

/// Sends bytes to where the answer said, as it said.
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

/// What a browser has after it went where it was sent.
async fn follow(address: &str) -> reqwest::Response {
    let http = reqwest::Client::builder().redirect(Policy::none());
    http.build().unwrap().get(address).send().await.unwrap()
}

async fn goes_in_and_comes_out(place: &Place) {
    let (customer, content) = (place.customer(), noise(300_000).to_vec());
    let size = content.len();
    let body = json!({"name": "Größe (1)*.bin", "size": size, "sha256": sha256(&content)});
    let slot = begin(&customer, body).await;
    assert_eq!(place.room().await, (0, 300_000));
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
    assert_eq!(place.room().await, (300_000, 0));
    let events = ["file.scanned.v1", "file.uploaded.v1"];
    assert_eq!(place.announced().await, events);

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

    // Another one puts himself over what was checked: nobody ever gets that.
    assert_eq!(put(&slot, vec![0; size]).await, 200);
    let got = follow(sent.header("location")).await;
    assert_eq!(got.bytes().await.unwrap(), content);
    place.app.clock.advance(Duration::from_mins(31));
    place.run("tend-files").await;
    assert_eq!(place.objects().await.len(), 1, "the file alone");

    let orphans = json!({"objects": 1, "objects_without_file": 0, "files_without_object": 0});
    assert_eq!(place.run("report-orphans").await, orphans);
    let customer = place.customer();
    customer.delete(&path).await.expect(204);
    customer.get(&format!("{path}/content")).await.expect(404);
    place.app.clock.advance(Duration::from_hours(30 * 24));
    place.run("tend-files").await;
    assert_eq!(place.objects().await, [""; 0]);
    place.app.clock.advance(Duration::from_mins(1));
    let none = json!({"objects": 0, "objects_without_file": 0, "files_without_object": 0});
    assert_eq!(place.run("report-orphans").await, none);
    // S3 says to whoever may not list a bucket that he may not, whatever is there.
    let gone = follow(sent.header("location")).await.status();
    assert!(matches!(gone.as_u16(), 403 | 404), "{gone}");
}

/// Of a place with a scanner that knows EICAR.
async fn what_is_wrong_is_given_to_nobody(place: &Place) {
    let customer = place.customer();
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
        for way in ["content", "link"] {
            let asked = customer.get(&format!("{path}/{way}")).await;
            asked.expect_problem(403, "file_refused");
        }
    }
    assert_eq!(place.room().await, (0, 0));
    assert_eq!(place.objects().await, [""; 0], "nothing is kept of them");
    // A client whose address is still good puts the bytes there again: they go, too.
    let slot = begin(&customer, json!({"name": "a", "size": eicar.len()})).await;
    assert_eq!(put(&slot, eicar.clone()).await, 200);
    complete(&customer, &slot).await.expect(200);
    assert_eq!(put(&slot, eicar.clone()).await, 200);
    place.app.clock.advance(Duration::from_mins(31));
    place.run("tend-files").await;
    assert_eq!(place.objects().await, [""; 0]);
    // So do those of a slow client, who began in time and was not done before now.
    assert_eq!(put(&slot, eicar.clone()).await, 200);
    place.app.clock.advance(Duration::from_hours(24));
    place.run("tend-files").await;
    assert_eq!(place.objects().await, [""; 0]);
}

async fn what_nobody_completes_is_given_up(place: &Place) {
    let customer = place.customer();
    let slot = begin(&customer, json!({"name": "a", "size": 5})).await;
    assert_eq!(put(&slot, b"hello".to_vec()).await, 200);
    // Only for whoever began it, and only once something is there.
    complete(&place.admin(), &slot)
        .await
        .expect_problem(404, "not_found");
    assert_eq!(place.room().await, (0, 5));
    place.app.clock.advance(Duration::from_hours(24));
    place.run("tend-files").await;
    complete(&place.customer(), &slot)
        .await
        .expect_problem(410, "upload_gone");
    assert_eq!(place.room().await, (0, 0));
    assert_eq!(place.objects().await, [""; 0]);
}

//! Direct uploads to and downloads from Google Cloud Storage (a fake).

use blob::{Gcs, Store};
use chrono::TimeDelta;
use files::Scanner;
use serde_json::{Value, json};
use testkit::fake_gcs::FakeGcs;

use super::{
    begin, check_incomplete_upload, check_refused_content, check_upload_and_download, complete,
    follow, put,
};
use crate::{Fixture, scanning::start_scanner, upload};

async fn fixture(scanner: Scanner) -> (FakeGcs, Fixture) {
    let fake = FakeGcs::start().await;
    let store = Gcs::emulator(fake.address(), FakeGcs::BUCKET, fake.account());
    let fixture = Fixture::with_store(Store::Gcs(store), scanner).await;
    (fake, fixture)
}

#[tokio::test]
async fn a_file_is_uploaded_to_and_downloaded_from_gcs() {
    let (_fake, fixture) = fixture(Scanner::Disabled).await;
    check_upload_and_download(&fixture).await;
}

#[tokio::test]
async fn refused_content_in_gcs_cannot_be_downloaded() {
    let (scanner, _) = start_scanner().await;
    let (_fake, fixture) = fixture(scanner).await;
    check_refused_content(&fixture).await;
}

#[tokio::test]
async fn incomplete_uploads_to_gcs_expire() {
    let (_fake, fixture) = fixture(Scanner::Disabled).await;
    check_incomplete_upload(&fixture).await;
}

#[tokio::test]
async fn gcs_accepts_signed_requests_only_until_they_expire() {
    let (fake, fixture) = fixture(Scanner::Disabled).await;
    let customer = fixture.customer();
    let slot = begin(&customer, json!({"name": "a", "size": 5})).await;
    for wrong in ["1234", "123456"] {
        assert_eq!(put(&slot, wrong.into()).await, 400);
    }
    let mut without = slot.clone();
    without["headers"] = json!({});
    assert_eq!(put(&without, b"hello".to_vec()).await, 403);
    complete(&customer, &slot)
        .await
        .expect_problem(409, "upload_incomplete");
    assert_eq!(put(&slot, b"hello".to_vec()).await, 200);
    complete(&customer, &slot).await.expect(200);
    let id = slot["id"].as_str().unwrap();
    let path = format!("/api/v1/files/{id}/content");
    let sent = customer.get(&path).await.expect(302);
    let address = sent.header("location");
    assert_eq!(follow(address).await.status(), 200);
    assert_eq!(
        follow(&address.replace("attachment", "inline"))
            .await
            .status(),
        403
    );
    fake.advance_clock(TimeDelta::seconds(301));
    assert_eq!(follow(address).await.status(), 400);
    fake.advance_clock(TimeDelta::minutes(10));
    assert_eq!(put(&slot, b"other".to_vec()).await, 400);
}

#[tokio::test]
async fn an_outage_of_gcs_loses_no_data() {
    let (fake, fixture) = fixture(Scanner::Disabled).await;
    let customer = fixture.customer();
    let kept = upload(&customer, "a.txt", b"hello").await.json();
    assert_eq!(kept["status"], "clean");
    let slot = begin(&customer, json!({"name": "b", "size": 5})).await;
    assert_eq!(put(&slot, b"hello".to_vec()).await, 200);
    fake.set_unavailable(true);
    complete(&customer, &slot)
        .await
        .expect_problem(503, "unavailable");
    fake.set_unavailable(false);
    let file: Value = complete(&customer, &slot).await.expect(200).json();
    assert_eq!(file["status"], "clean");
}

#[tokio::test]
async fn an_upload_without_signed_url_reserves_no_storage() {
    let fake = FakeGcs::start().await;
    let mut account = fake.account();
    account["private_key"] = json!("none");
    let store = Gcs::emulator(fake.address(), FakeGcs::BUCKET, account);
    let fixture = Fixture::with_store(Store::Gcs(store), Scanner::Disabled).await;
    let body = json!({"name": "a", "size": 5});
    let refused = fixture.customer().post("/api/v1/uploads", body).await;
    refused.expect_problem(503, "unavailable");
    assert_eq!(fixture.storage_usage().await, (0, 0));
}

//! Direct uploads to and downloads from S3 (moto).

use blob::{S3, S3Settings, Store};
use files::Scanner;
use serde_json::json;
use testkit::Moto;

use super::{
    begin, check_incomplete_upload, check_refused_content, check_upload_and_download, complete, put,
};
use crate::{Fixture, scanning::start_scanner};

async fn fixture(scanner: Scanner) -> Option<(Moto, Fixture)> {
    let moto = Moto::start().await?;
    let settings = S3Settings {
        endpoint: moto.address(),
        bucket: Moto::BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
    };
    let store = Store::S3(S3::new(settings).unwrap());
    Some((moto, Fixture::with_store(store, scanner).await))
}

#[tokio::test]
async fn a_file_is_uploaded_to_and_downloaded_from_s3() {
    if let Some((_moto, fixture)) = fixture(Scanner::Disabled).await {
        check_upload_and_download(&fixture).await;
    }
}

#[tokio::test]
async fn refused_content_in_s3_cannot_be_downloaded() {
    let (scanner, _) = start_scanner().await;
    if let Some((_moto, fixture)) = fixture(scanner).await {
        check_refused_content(&fixture).await;
    }
}

#[tokio::test]
async fn incomplete_uploads_to_s3_expire() {
    if let Some((_moto, fixture)) = fixture(Scanner::Disabled).await {
        check_incomplete_upload(&fixture).await;
    }
}

/// moto does not verify signatures, so it accepts content of another length than was signed.
#[tokio::test]
async fn content_of_another_length_does_not_complete_an_upload() {
    let Some((_moto, fixture)) = fixture(Scanner::Disabled).await else {
        return;
    };
    let customer = fixture.customer();
    let slot = begin(&customer, json!({"name": "a", "size": 5})).await;
    let address = slot["url"].as_str().unwrap();
    for signed in [
        "X-Amz-Expires=900",
        "X-Amz-SignedHeaders=content-length%3Bhost",
    ] {
        assert!(address.contains(signed), "{address}");
    }
    for wrong in ["1234", "123456"] {
        assert_eq!(put(&slot, wrong.into()).await, 200);
        complete(&customer, &slot)
            .await
            .expect_problem(409, "upload_incomplete");
    }
    assert_eq!(put(&slot, b"hello".to_vec()).await, 200);
    complete(&customer, &slot).await.expect(200);
    let id = slot["id"].as_str().unwrap();
    let sent = customer.get(&format!("/api/v1/files/{id}/content")).await;
    assert!(sent.header("location").contains("X-Amz-Expires=300"));
}

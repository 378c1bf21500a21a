//! Into S3, and out of it.

use blob::{S3, S3Settings, Store};
use files::Scanner;
use serde_json::json;
use testkit::Moto;

use super::{
    begin, complete, goes_in_and_comes_out, put, what_is_wrong_is_given_to_nobody,
    what_nobody_completes_is_given_up,
};
use crate::{Place, scans::listening};

async fn place(scanner: Scanner) -> Option<(Moto, Place)> {
    let moto = Moto::start().await?;
    let settings = S3Settings {
        endpoint: moto.address(),
        bucket: Moto::BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
    };
    let store = Store::S3(S3::new(settings).unwrap());
    Some((moto, Place::on(store, scanner).await))
}

#[tokio::test]
async fn a_file_goes_straight_into_s3_and_comes_out_of_it() {
    if let Some((_moto, place)) = place(Scanner::Disabled).await {
        goes_in_and_comes_out(&place).await;
    }
}

#[tokio::test]
async fn what_is_wrong_in_s3_is_given_to_nobody() {
    let (scanner, _) = listening().await;
    if let Some((_moto, place)) = place(scanner).await {
        what_is_wrong_is_given_to_nobody(&place).await;
    }
}

#[tokio::test]
async fn what_nobody_completes_in_s3_is_given_up() {
    if let Some((_moto, place)) = place(Scanner::Disabled).await {
        what_nobody_completes_is_given_up(&place).await;
    }
}

/// moto compares no signatures, and so takes more than was signed: as a store would that is no better.
#[tokio::test]
async fn another_length_is_no_upload() {
    let Some((_moto, place)) = place(Scanner::Disabled).await else {
        return;
    };
    let customer = place.customer();
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

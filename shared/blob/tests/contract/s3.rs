//! S3 with moto.

use std::time::Duration;

use blob::{ResponseHeaders, S3, S3Settings, Store};
use testkit::Moto;

use crate::{check_contract, check_signed_urls, key};

#[tokio::test]
async fn a_signed_url_is_bound_to_object_method_and_length() {
    let store = Store::S3(s3("http://127.0.0.1:1"));
    let minute = Duration::from_mins(1);
    let mut signatures = std::collections::BTreeSet::new();
    let mut note = |address: Option<String>| {
        let address = address.unwrap();
        assert!(address.contains("X-Amz-Expires=60"));
        let (_, signature) = address.split_once("X-Amz-Signature=").unwrap();
        signatures.insert(signature.to_owned());
    };
    for name in ["a", "b"] {
        for content_type in ["text/plain", "application/pdf"] {
            let shown = ResponseHeaders {
                content_type,
                disposition: "inline",
            };
            note(store.sign_get(&key(name), &shown, minute).await.unwrap());
        }
        for size in [5, 6] {
            let address = store.sign_put(&key(name), size, minute).await.unwrap();
            note(address.map(|address| address.url));
        }
    }
    assert_eq!(signatures.len(), 8);
}

/// A bucket at this endpoint.
fn s3(endpoint: &str) -> S3 {
    S3::new(S3Settings {
        endpoint: endpoint.to_owned(),
        bucket: Moto::BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
    })
    .unwrap()
}

#[tokio::test]
async fn s3_keeps_the_contract() {
    let Some(moto) = Moto::start().await else {
        return;
    };
    let store = Store::S3(s3(&moto.address()));
    check_contract(&store).await;
    check_signed_urls(&store).await;
}

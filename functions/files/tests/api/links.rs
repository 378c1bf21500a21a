//! Signed download URLs.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::{Fixture, upload};

async fn link(fixture: &Fixture, file: &str) -> String {
    let path = format!("/api/v1/files/{file}/link");
    let link = fixture.customer().get(&path).await.expect(200).json();
    let url = link["url"].as_str().unwrap();
    url.strip_prefix(testkit::PUBLIC_URL).unwrap().to_owned()
}

#[tokio::test]
async fn a_signed_url_is_valid_for_one_file_of_one_tenant_for_five_minutes() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.customer(), "a.txt", b"hello").await.id();
    let second = upload(&fixture.customer(), "b.txt", b"other").await.id();
    let other = fixture.app.tenant("other").await;
    let link = link(&fixture, &file).await;
    let anonymous = fixture.app.anonymous();
    let got = anonymous.get(&link).await.expect(200);
    assert_eq!(got.text(), "hello");
    assert!(got.header("content-security-policy").contains("sandbox"));
    let part = anonymous
        .call(Method::GET, &link)
        .header("range", "bytes=0-0")
        .send()
        .await;
    assert_eq!(part.expect(206).text(), "h");

    let (own, another) = (fixture.demo.id.to_string(), other.id.to_string());
    for changed in [
        link.replace(&file, &second),
        link.replace(&own, &another),
        link.replace("expires=", "expires=9"),
        link.replace("version=", "version=1"),
        link.replace("signature=", "signature=A"),
        format!("{}AAAA", &link[..link.len() - 4]),
    ] {
        assert_ne!(changed, link);
        anonymous
            .get(&changed)
            .await
            .expect_problem(403, "link_invalid");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        anonymous
            .call(method, &link)
            .send()
            .await
            .expect_problem(405, "method_not_allowed");
    }
    let unsigned = link.split("&signature").next().unwrap();
    anonymous
        .get(unsigned)
        .await
        .expect_problem(422, "validation_failed");
    fixture.app.clock.advance(Duration::from_secs(301));
    anonymous
        .get(&link)
        .await
        .expect_problem(403, "link_invalid");
}

#[tokio::test]
async fn a_signed_url_is_invalid_after_the_file_changed() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.customer(), "a.txt", b"hello").await.id();
    let path = format!("/api/v1/files/{file}");
    let before = link(&fixture, &file).await;
    fixture
        .customer()
        .patch(&path, json!({"name": "b.txt"}))
        .await
        .expect(200);
    fixture
        .app
        .anonymous()
        .get(&before)
        .await
        .expect_problem(403, "link_invalid");
    let before = link(&fixture, &file).await;
    fixture.customer().delete(&path).await.expect(204);
    fixture
        .app
        .anonymous()
        .get(&before)
        .await
        .expect_problem(403, "link_invalid");
}

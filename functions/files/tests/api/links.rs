//! Addresses for a browser that can't send a token.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::{Place, upload};

async fn link(place: &Place, file: &str) -> String {
    let path = format!("/api/v1/files/{file}/link");
    let link = place.customer().get(&path).await.expect(200).json();
    let url = link["url"].as_str().unwrap();
    url.strip_prefix(testkit::PUBLIC_URL).unwrap().to_owned()
}

#[tokio::test]
async fn an_address_is_good_for_one_file_of_one_tenant_for_five_minutes() {
    let place = Place::new().await;
    let file = upload(&place.customer(), "a.txt", b"hello").await.id();
    let second = upload(&place.customer(), "b.txt", b"other").await.id();
    let other = place.app.tenant("other").await;
    let link = link(&place, &file).await;
    let stranger = place.app.anonymous();
    let got = stranger.get(&link).await.expect(200);
    assert_eq!(got.text(), "hello");
    assert!(got.header("content-security-policy").contains("sandbox"));
    let part = stranger
        .call(Method::GET, &link)
        .header("range", "bytes=0-0")
        .send()
        .await;
    assert_eq!(part.expect(206).text(), "h");

    let (own, another) = (place.demo.id.to_string(), other.id.to_string());
    for changed in [
        link.replace(&file, &second),
        link.replace(&own, &another),
        link.replace("expires=", "expires=9"),
        link.replace("version=", "version=1"),
        link.replace("signature=", "signature=A"),
        format!("{}AAAA", &link[..link.len() - 4]),
    ] {
        assert_ne!(changed, link);
        stranger
            .get(&changed)
            .await
            .expect_problem(403, "link_invalid");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        stranger
            .call(method, &link)
            .send()
            .await
            .expect_problem(405, "method_not_allowed");
    }
    let unsigned = link.split("&signature").next().unwrap();
    stranger
        .get(unsigned)
        .await
        .expect_problem(422, "validation_failed");
    place.app.clock.advance(Duration::from_secs(301));
    stranger
        .get(&link)
        .await
        .expect_problem(403, "link_invalid");
}

#[tokio::test]
async fn an_address_ends_with_what_it_was_made_for() {
    let place = Place::new().await;
    let file = upload(&place.customer(), "a.txt", b"hello").await.id();
    let path = format!("/api/v1/files/{file}");
    let before = link(&place, &file).await;
    place
        .customer()
        .patch(&path, json!({"name": "b.txt"}))
        .await
        .expect(200);
    place
        .app
        .anonymous()
        .get(&before)
        .await
        .expect_problem(403, "link_invalid");
    let before = link(&place, &file).await;
    place.customer().delete(&path).await.expect(204);
    place
        .app
        .anonymous()
        .get(&before)
        .await
        .expect_problem(403, "link_invalid");
}

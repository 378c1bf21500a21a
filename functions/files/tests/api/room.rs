//! What a tenant may store.

use futures::future::join_all;
use http::Method;
use serde_json::json;

use crate::{Place, form, noise, upload};

/// As a client does that is told to come again.
async fn begin(place: &Place, size: i64) -> u16 {
    loop {
        let answer = place
            .customer()
            .call(Method::POST, "/api/v1/files/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", &size.to_string())
            .send()
            .await;
        if answer.status != 503 {
            return answer.status.as_u16();
        }
    }
}

#[tokio::test]
async fn fifty_uploads_at_once_never_take_a_byte_more_than_there_is() {
    let place = Place::new().await;
    place.allow(7 * 1_000 + 999).await;
    let answers = join_all((0..50).map(|_| begin(&place, 1_000))).await;
    let begun = answers.iter().filter(|status| **status == 201).count();
    let refused = answers.iter().filter(|status| **status == 413).count();
    assert_eq!((begun, refused), (7, 43));
    assert_eq!(place.room().await, (0, 7_000));
    // To the byte.
    assert_eq!(begin(&place, 1_000).await, 413);
    assert_eq!(begin(&place, 999).await, 201);
    assert_eq!(begin(&place, 1).await, 413);
    assert_eq!(place.room().await, (0, 7_999));
}

#[tokio::test]
async fn fifty_forms_at_once_never_take_a_byte_more_than_there_is() {
    let place = Place::new().await;
    let content = noise(1_000);
    place.allow(20_000).await;
    let put = || async {
        loop {
            let answer = form(&place.customer(), "", "a", &content).send().await;
            if answer.status != 503 {
                return answer.status.as_u16();
            }
        }
    };
    let answers = join_all((0..50).map(|_| put())).await;
    assert!(
        answers.iter().all(|status| matches!(status, 201 | 413)),
        "{answers:?}"
    );
    let stored = answers.iter().filter(|status| **status == 201).count();
    let (used, reserved) = place.room().await;
    assert_eq!(
        (usize::try_from(used).unwrap(), reserved),
        (stored * 1_000, 0)
    );
    assert!((1..=20).contains(&stored), "{stored}");
    let sizes: i64 =
        sqlx::query_scalar("select sum(size)::bigint from files.files where status = 'clean'")
            .fetch_one(&mut place.app.admin().await)
            .await
            .unwrap();
    assert_eq!(sizes, used);
}

#[tokio::test]
async fn room_comes_back_with_what_is_given_up_and_the_tenant_is_warned() {
    let place = Place::new().await;
    place.allow(10_000).await;
    let refused = form(&place.customer(), "", "a", &noise(20_000))
        .send()
        .await;
    refused.expect_problem(413, "storage_full");
    let slot = json!({"name": "a", "size": 9_000});
    let begun = place
        .customer()
        .post("/api/v1/uploads", slot.clone())
        .await
        .expect(201);
    place
        .customer()
        .post("/api/v1/uploads", slot)
        .await
        .expect_problem(413, "storage_full");
    let ended = place
        .customer()
        .call(Method::DELETE, begun.json()["url"].as_str().unwrap())
        .header("tus-resumable", "1.0.0");
    ended.send().await.expect(204);
    assert_eq!(place.room().await, (0, 0));
    upload(&place.customer(), "a", &noise(7_999)).await;
    assert!(
        !place
            .announced()
            .await
            .contains(&"quota.warning.v1".to_owned())
    );
    upload(&place.customer(), "b", &noise(1)).await;
    upload(&place.customer(), "c", &noise(1)).await;
    let warnings = place.announced().await;
    let warnings = warnings
        .iter()
        .filter(|kind| *kind == "quota.warning.v1")
        .count();
    assert_eq!(warnings, 1);
}

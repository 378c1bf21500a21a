//! A tenant's storage limit.

use futures::future::join_all;
use http::Method;
use serde_json::json;

use crate::{Fixture, form, noise, upload};

/// Starts an upload and returns the status, retrying on `503`.
async fn start_upload(fixture: &Fixture, size: i64) -> u16 {
    loop {
        let answer = fixture
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
async fn concurrent_uploads_never_exceed_the_limit() {
    let fixture = Fixture::new().await;
    fixture.set_storage_limit(7 * 1_000 + 999).await;
    let answers = join_all((0..50).map(|_| start_upload(&fixture, 1_000))).await;
    let started = answers.iter().filter(|status| **status == 201).count();
    let refused = answers.iter().filter(|status| **status == 413).count();
    assert_eq!((started, refused), (7, 43));
    assert_eq!(fixture.storage_usage().await, (0, 7_000));
    // The limit is exact.
    assert_eq!(start_upload(&fixture, 1_000).await, 413);
    assert_eq!(start_upload(&fixture, 999).await, 201);
    assert_eq!(start_upload(&fixture, 1).await, 413);
    assert_eq!(fixture.storage_usage().await, (0, 7_999));
}

#[tokio::test]
async fn concurrent_forms_never_exceed_the_limit() {
    let fixture = Fixture::new().await;
    let content = noise(1_000);
    fixture.set_storage_limit(20_000).await;
    let put = || async {
        loop {
            let answer = form(&fixture.customer(), "", "a", &content).send().await;
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
    let (used, reserved) = fixture.storage_usage().await;
    assert_eq!(
        (usize::try_from(used).unwrap(), reserved),
        (stored * 1_000, 0)
    );
    assert!((1..=20).contains(&stored), "{stored}");
    let sizes: i64 =
        sqlx::query_scalar("select sum(size)::bigint from files.files where status = 'clean'")
            .fetch_one(&mut fixture.app.admin().await)
            .await
            .unwrap();
    assert_eq!(sizes, used);
}

#[tokio::test]
async fn cancelled_uploads_release_storage_and_the_tenant_is_warned() {
    let fixture = Fixture::new().await;
    fixture.set_storage_limit(10_000).await;
    let refused = form(&fixture.customer(), "", "a", &noise(20_000))
        .send()
        .await;
    refused.expect_problem(413, "storage_full");
    let slot = json!({"name": "a", "size": 9_000});
    let started = fixture
        .customer()
        .post("/api/v1/uploads", slot.clone())
        .await
        .expect(201);
    fixture
        .customer()
        .post("/api/v1/uploads", slot)
        .await
        .expect_problem(413, "storage_full");
    let ended = fixture
        .customer()
        .call(Method::DELETE, started.json()["url"].as_str().unwrap())
        .header("tus-resumable", "1.0.0");
    ended.send().await.expect(204);
    assert_eq!(fixture.storage_usage().await, (0, 0));
    upload(&fixture.customer(), "a", &noise(7_999)).await;
    assert!(
        !fixture
            .event_types()
            .await
            .contains(&"quota.warning.v1".to_owned())
    );
    upload(&fixture.customer(), "b", &noise(1)).await;
    upload(&fixture.customer(), "c", &noise(1)).await;
    let warnings = fixture.event_types().await;
    let warnings = warnings
        .iter()
        .filter(|kind| *kind == "quota.warning.v1")
        .count();
    assert_eq!(warnings, 1);
}

//! Listing, updating and deleting files.

use serde_json::json;

use crate::{Fixture, form, upload};

fn names(page: &serde_json::Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn customers_see_their_own_files_and_staff_see_all() {
    let fixture = Fixture::new().await;
    let customer2 = fixture.app.as_user(&fixture.demo.customer2);
    let one = upload(&fixture.customer(), "one", b"1").await.id();
    fixture.app.clock.advance(std::time::Duration::from_secs(1));
    upload(&customer2, "two", b"2").await;
    let list = "/api/v1/files";
    assert_eq!(names(&fixture.customer().get(list).await.json()), ["one"]);
    assert_eq!(names(&customer2.get(list).await.json()), ["two"]);
    assert_eq!(
        names(&fixture.admin().get(list).await.json()),
        ["two", "one"]
    );
    for path in ["", "/content", "/link", "/thumbnail"] {
        let path = format!("{list}/{one}{path}");
        customer2.get(&path).await.expect_problem(404, "not_found");
    }
    customer2
        .delete(&format!("{list}/{one}"))
        .await
        .expect_problem(404, "not_found");
    let key = fixture.app.key(fixture.demo.id, &["files.file.read"]).await;
    assert_eq!(
        names(&key.get(list).await.expect(200).json()),
        ["two", "one"]
    );

    let page = fixture
        .admin()
        .get("/api/v1/files?limit=1")
        .await
        .expect(200)
        .json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = fixture
        .admin()
        .get(&format!("/api/v1/files?limit=1&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(names(&rest.json()), ["one"]);
    let foreign = key
        .get(&format!("/api/v1/files?limit=1&cursor={cursor}"))
        .await;
    foreign.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn an_uploader_cannot_make_a_file_undeletable() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.customer(), "mine.txt", b"12345").await;
    let path = format!("/api/v1/files/{}", file.id());
    let retained = json!({"retention_until": "2027-11-20T00:00:00Z"});
    fixture
        .customer()
        .patch(&path, retained)
        .await
        .expect_problem(403, "forbidden");
    fixture.customer().delete(&path).await.expect(204);
}

#[tokio::test]
async fn a_file_is_renamed_retained_and_deleted() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.admin(), "old.txt", b"12345").await;
    let path = format!("/api/v1/files/{}", file.id());
    let stale = fixture
        .admin()
        .call(http::Method::PATCH, &path)
        .header("if-match", "\"1\"");
    stale
        .json(&json!({"name": "x"}))
        .send()
        .await
        .expect_problem(412, "precondition_failed");
    let body = json!({"name": "a/new.txt", "retention_until": "2026-12-01T00:00:00Z"});
    let changed = fixture.admin().patch(&path, body).await.expect(200).json();
    assert_eq!(
        (&changed["name"], &changed["original_name"]),
        (&json!("new.txt"), &json!("old.txt"))
    );
    let shortened = json!({"retention_until": "2026-11-25T00:00:00Z"});
    fixture
        .admin()
        .patch(&path, shortened)
        .await
        .expect_problem(422, "validation_failed");
    let for_ever = json!({"retention_until": "9999-12-31T00:00:00Z"});
    fixture
        .admin()
        .patch(&path, for_ever)
        .await
        .expect_problem(422, "validation_failed");
    fixture
        .admin()
        .delete(&path)
        .await
        .expect_problem(409, "file_retained");
    assert_eq!(fixture.storage_usage().await, (5, 0));

    fixture
        .app
        .clock
        .advance(std::time::Duration::from_hours(11 * 24));
    fixture.admin().delete(&path).await.expect(204);
    fixture
        .admin()
        .delete(&path)
        .await
        .expect_problem(404, "not_found");
    fixture
        .admin()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    assert_eq!(fixture.storage_usage().await, (0, 0));
    let used: Vec<i64> = sqlx::query_scalar(
        "select quantity from access.usage_events where metric = 'storage_bytes' order by quantity",
    )
    .fetch_all(&mut fixture.app.admin().await)
    .await
    .unwrap();
    assert_eq!(used, [-5, 5]);
}

#[tokio::test]
async fn a_new_revision_replaces_the_previous_one() {
    let fixture = Fixture::new().await;
    let first = upload(&fixture.customer(), "plan.txt", b"one").await.id();
    for (number, content) in [(2, b"two"), (3, b"thr")] {
        let query = format!("?revision_of={first}");
        let next = form(&fixture.customer(), &query, "plan.txt", content)
            .send()
            .await
            .expect(201)
            .json();
        assert_eq!(next["revision"], number);
        assert_eq!(next["revision_of"], first.as_str());
    }
    let list = fixture.customer().get("/api/v1/files").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["revision"], 3);
    let all = fixture
        .customer()
        .get(&format!("/api/v1/files?revision_of={first}"))
        .await
        .json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
    let got = fixture
        .customer()
        .get(&format!("/api/v1/files/{first}/content"))
        .await
        .expect(200);
    assert_eq!(got.text(), "one");
    let foreign = fixture.app.as_user(&fixture.demo.customer2);
    let refused = form(&foreign, &format!("?revision_of={first}"), "x", b"x")
        .send()
        .await;
    refused.expect_problem(422, "validation_failed");
}

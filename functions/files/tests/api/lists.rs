//! Who sees which files, how they are changed and deleted.

use serde_json::json;

use crate::{Place, form, upload};

fn names(page: &serde_json::Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn customers_see_their_own_files_and_staff_sees_all() {
    let place = Place::new().await;
    let customer2 = place.app.as_user(&place.demo.customer2);
    let one = upload(&place.customer(), "one", b"1").await.id();
    place.app.clock.advance(std::time::Duration::from_secs(1));
    upload(&customer2, "two", b"2").await;
    let list = "/api/v1/files";
    assert_eq!(names(&place.customer().get(list).await.json()), ["one"]);
    assert_eq!(names(&customer2.get(list).await.json()), ["two"]);
    assert_eq!(names(&place.admin().get(list).await.json()), ["two", "one"]);
    for path in ["", "/content", "/link", "/thumbnail"] {
        let path = format!("{list}/{one}{path}");
        customer2.get(&path).await.expect_problem(404, "not_found");
    }
    customer2
        .delete(&format!("{list}/{one}"))
        .await
        .expect_problem(404, "not_found");
    let key = place.app.key(place.demo.id, &["files.file.read"]).await;
    assert_eq!(
        names(&key.get(list).await.expect(200).json()),
        ["two", "one"]
    );

    let page = place
        .admin()
        .get("/api/v1/files?limit=1")
        .await
        .expect(200)
        .json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = place
        .admin()
        .get(&format!("/api/v1/files?limit=1&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(names(&rest.json()), ["one"]);
    let stolen = key
        .get(&format!("/api/v1/files?limit=1&cursor={cursor}"))
        .await;
    stolen.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_file_is_renamed_and_kept_and_deleted() {
    let place = Place::new().await;
    let file = upload(&place.admin(), "old.txt", b"12345").await;
    let path = format!("/api/v1/files/{}", file.id());
    let stale = place
        .admin()
        .call(http::Method::PATCH, &path)
        .header("if-match", "\"1\"");
    stale
        .json(&json!({"name": "x"}))
        .send()
        .await
        .expect_problem(412, "precondition_failed");
    let body = json!({"name": "a/new.txt", "retention_until": "2026-12-01T00:00:00Z"});
    let changed = place.admin().patch(&path, body).await.expect(200).json();
    assert_eq!(
        (&changed["name"], &changed["original_name"]),
        (&json!("new.txt"), &json!("old.txt"))
    );
    let sooner = json!({"retention_until": "2026-11-25T00:00:00Z"});
    place
        .admin()
        .patch(&path, sooner)
        .await
        .expect_problem(422, "validation_failed");
    place
        .admin()
        .delete(&path)
        .await
        .expect_problem(409, "file_retained");
    assert_eq!(place.room().await, (5, 0));

    place
        .app
        .clock
        .advance(std::time::Duration::from_hours(11 * 24));
    place.admin().delete(&path).await.expect(204);
    place
        .admin()
        .delete(&path)
        .await
        .expect_problem(404, "not_found");
    place
        .admin()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    assert_eq!(place.room().await, (0, 0));
    let used: Vec<i64> = sqlx::query_scalar(
        "select quantity from access.usage_events where metric = 'storage_bytes' order by quantity",
    )
    .fetch_all(&mut place.app.admin().await)
    .await
    .unwrap();
    assert_eq!(used, [-5, 5]);
}

#[tokio::test]
async fn a_new_revision_takes_the_place_of_the_old_one() {
    let place = Place::new().await;
    let first = upload(&place.customer(), "plan.txt", b"one").await.id();
    for (number, content) in [(2, b"two"), (3, b"thr")] {
        let query = format!("?revision_of={first}");
        let next = form(&place.customer(), &query, "plan.txt", content)
            .send()
            .await
            .expect(201)
            .json();
        assert_eq!(next["revision"], number);
        assert_eq!(next["revision_of"], first.as_str());
    }
    let list = place.customer().get("/api/v1/files").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["revision"], 3);
    let all = place
        .customer()
        .get(&format!("/api/v1/files?revision_of={first}"))
        .await
        .json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
    let got = place
        .customer()
        .get(&format!("/api/v1/files/{first}/content"))
        .await
        .expect(200);
    assert_eq!(got.text(), "one");
    let foreign = place.app.as_user(&place.demo.customer2);
    let refused = form(&foreign, &format!("?revision_of={first}"), "x", b"x")
        .send()
        .await;
    refused.expect_problem(422, "validation_failed");
}

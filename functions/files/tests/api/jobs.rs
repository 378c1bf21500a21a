//! Scheduled jobs.

use blob::{BytesSource, Key};
use serde_json::json;
use std::time::Duration;

use crate::{Fixture, noise, upload};

#[tokio::test]
async fn the_content_of_a_deleted_file_is_removed_after_30_days() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.customer(), "a", &noise(10)).await.id();
    fixture
        .customer()
        .delete(&format!("/api/v1/files/{file}"))
        .await
        .expect(204);
    fixture.run_job("tend-files").await;
    assert_eq!(fixture.objects().await.len(), 1);
    fixture.app.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(
        fixture.run_job("tend-files").await,
        json!({"steps": 1, "failures": 0})
    );
    assert_eq!(fixture.objects().await, [""; 0]);
    fixture.app.clock.advance(Duration::from_mins(1));
    assert_eq!(
        fixture.run_job("tend-files").await,
        json!({"steps": 0, "failures": 0})
    );
}

#[tokio::test]
async fn an_interrupted_check_is_repeated_when_its_claim_expires() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.customer(), "a", &noise(10)).await.id();
    // The state after a process was killed while it held the claim.
    sqlx::query("update files.files set status = 'scanning', sha256 = null, mime_type = null, size = 0, due_at = $2 where file_id = $1::uuid")
        .bind(&file)
        .bind(fixture.app.clock.now() + chrono::TimeDelta::minutes(15))
        .execute(&mut fixture.app.admin().await)
        .await
        .unwrap();
    let key = format!("tenant/{}/uploads/{file}/0", fixture.demo.id);
    fixture
        .store
        .put(&Key::parse(&key).unwrap(), &mut BytesSource::new("hello"))
        .await
        .unwrap();
    sqlx::query("insert into files.parts (tenant_id, file_id, begins_at, size, object_key) values ($1, $2::uuid, 0, 5, $3)")
        .bind(fixture.demo.id)
        .bind(&file)
        .bind(&key)
        .execute(&mut fixture.app.admin().await)
        .await
        .unwrap();
    for statement in [
        "update files.uploads set length = 5, received = 5",
        "delete from access.usage_events",
    ] {
        sqlx::query(statement)
            .execute(&mut fixture.app.admin().await)
            .await
            .unwrap();
    }
    assert_eq!(
        fixture.run_job("tend-files").await["steps"],
        0,
        "the claim is still valid"
    );
    fixture.app.clock.advance(Duration::from_mins(15));
    assert_eq!(fixture.run_job("tend-files").await["steps"], 1);
    let read = fixture
        .app
        .as_user(&fixture.demo.customer)
        .get(&format!("/api/v1/files/{file}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&read["status"], &read["size"]),
        (&json!("clean"), &json!(5))
    );
    assert_eq!(fixture.objects().await.len(), 1);
}

#[tokio::test]
async fn orphans_are_reported() {
    let fixture = Fixture::new().await;
    upload(&fixture.customer(), "a", &noise(10)).await;
    let lost = upload(&fixture.customer(), "b", &noise(10)).await.id();
    fixture
        .customer()
        .post("/api/v1/uploads", json!({"name": "c", "size": 9}))
        .await
        .expect(201);
    let clean = json!({"objects": 2, "objects_without_file": 0, "files_without_object": 0});
    assert_eq!(fixture.run_job("report-orphans").await, clean);

    let key =
        |name: &str| Key::parse(&format!("tenant/{}/2026/11/{name}", fixture.demo.id)).unwrap();
    fixture.store.delete(&key(&lost)).await.unwrap();
    fixture
        .store
        .put(&key("a-stray"), &mut BytesSource::new("x"))
        .await
        .unwrap();
    fixture.app.clock.advance(Duration::from_mins(1));
    let found = json!({"objects": 2, "objects_without_file": 1, "files_without_object": 1});
    assert_eq!(fixture.run_job("report-orphans").await, found);
}

#[tokio::test]
async fn a_file_deleted_during_its_cleanup_is_removed_later() {
    let fixture = Fixture::new().await;
    upload(&fixture.customer(), "a", &noise(10)).await;
    let now = fixture.app.clock.now();
    // The file is deleted after the job has listed its objects and before it saves the result.
    let meanwhile = format!(
        "update files.files set due_at = '{now}';
        create function files.meanwhile() returns trigger language plpgsql as $$
        begin
            update files.files
            set status = 'deleted', deleted_at = '{now}', due_at = timestamptz '{now}' + interval '30 days'
            where status = 'clean';
            return null;
        end $$;
        create trigger meanwhile before delete on files.parts for each statement execute function files.meanwhile()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(meanwhile))
        .execute(&mut fixture.app.admin().await)
        .await
        .unwrap();
    fixture.run_job("tend-files").await;
    assert_eq!(
        fixture.objects().await.len(),
        1,
        "the content is kept for 30 days"
    );
    fixture.app.clock.advance(Duration::from_hours(30 * 24));
    fixture.run_job("tend-files").await;
    assert_eq!(fixture.objects().await, [""; 0]);
}

#[tokio::test]
async fn parts_that_arrive_after_the_last_cleanup_are_removed() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.customer(), "a", &noise(10)).await.id();
    let late = format!("tenant/{}/uploads/{file}/put", fixture.demo.id);
    fixture
        .store
        .put(&Key::parse(&late).unwrap(), &mut BytesSource::new("late"))
        .await
        .unwrap();
    fixture.run_job("report-orphans").await;
    fixture.run_job("tend-files").await;
    assert_eq!(
        fixture.objects().await.len(),
        1,
        "only the file's own object is left"
    );
}

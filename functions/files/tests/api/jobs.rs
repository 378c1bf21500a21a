//! What happens when nobody asks.

use blob::{BytesSource, Key};
use serde_json::json;
use std::time::Duration;

use crate::{Place, noise, upload};

#[tokio::test]
async fn the_bytes_of_a_deleted_file_go_after_a_month() {
    let place = Place::new().await;
    let file = upload(&place.customer(), "a", &noise(10)).await.id();
    place
        .customer()
        .delete(&format!("/api/v1/files/{file}"))
        .await
        .expect(204);
    place.run("tend-files").await;
    assert_eq!(place.objects().await.len(), 1);
    place.app.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(
        place.run("tend-files").await,
        json!({"steps": 1, "failures": 0})
    );
    assert_eq!(place.objects().await, [""; 0]);
    place.app.clock.advance(Duration::from_mins(1));
    assert_eq!(
        place.run("tend-files").await,
        json!({"steps": 0, "failures": 0})
    );
}

#[tokio::test]
async fn a_check_that_a_process_died_over_is_done_by_the_next() {
    let place = Place::new().await;
    let file = upload(&place.customer(), "a", &noise(10)).await.id();
    // As a process leaves it that was killed after its claim.
    sqlx::query("update files.files set status = 'scanning', sha256 = null, mime_type = null, size = 0, due_at = $2 where file_id = $1::uuid")
        .bind(&file)
        .bind(place.app.clock.now() + chrono::TimeDelta::minutes(15))
        .execute(&mut place.app.admin().await)
        .await
        .unwrap();
    let key = format!("tenant/{}/uploads/{file}/0", place.demo.id);
    place
        .store
        .put(&Key::parse(&key).unwrap(), &mut BytesSource::new("hello"))
        .await
        .unwrap();
    sqlx::query("insert into files.parts (tenant_id, file_id, begins_at, size, object_key) values ($1, $2::uuid, 0, 5, $3)")
        .bind(place.demo.id)
        .bind(&file)
        .bind(&key)
        .execute(&mut place.app.admin().await)
        .await
        .unwrap();
    for forgotten in [
        "update files.uploads set length = 5, received = 5",
        "delete from access.usage_events",
    ] {
        sqlx::query(forgotten)
            .execute(&mut place.app.admin().await)
            .await
            .unwrap();
    }
    assert_eq!(
        place.run("tend-files").await["steps"],
        0,
        "it may still be at work"
    );
    place.app.clock.advance(Duration::from_mins(15));
    assert_eq!(place.run("tend-files").await["steps"], 1);
    let read = place
        .app
        .as_user(&place.demo.customer)
        .get(&format!("/api/v1/files/{file}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&read["status"], &read["size"]),
        (&json!("clean"), &json!(5))
    );
    assert_eq!(place.objects().await.len(), 1);
}

#[tokio::test]
async fn what_belongs_to_nothing_is_reported() {
    let place = Place::new().await;
    upload(&place.customer(), "a", &noise(10)).await;
    let lost = upload(&place.customer(), "b", &noise(10)).await.id();
    place
        .customer()
        .post("/api/v1/uploads", json!({"name": "c", "size": 9}))
        .await
        .expect(201);
    let clean = json!({"objects": 2, "objects_without_file": 0, "files_without_object": 0});
    assert_eq!(place.run("report-orphans").await, clean);

    let key = |name: &str| Key::parse(&format!("tenant/{}/2026/11/{name}", place.demo.id)).unwrap();
    place.store.delete(&key(&lost)).await.unwrap();
    place
        .store
        .put(&key("a-stray"), &mut BytesSource::new("x"))
        .await
        .unwrap();
    place.app.clock.advance(Duration::from_mins(1));
    let found = json!({"objects": 2, "objects_without_file": 1, "files_without_object": 1});
    assert_eq!(place.run("report-orphans").await, found);
}

#[tokio::test]
async fn the_bytes_of_a_file_that_is_deleted_while_it_is_tidied_go_all_the_same() {
    let place = Place::new().await;
    upload(&place.customer(), "a", &noise(10)).await;
    let now = place.app.clock.now();
    // Somebody deletes it between the list of its parts and what the job writes then.
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
        .execute(&mut place.app.admin().await)
        .await
        .unwrap();
    place.run("tend-files").await;
    assert_eq!(place.objects().await.len(), 1, "they are kept for a while");
    place.app.clock.advance(Duration::from_hours(30 * 24));
    place.run("tend-files").await;
    assert_eq!(place.objects().await, [""; 0]);
}

#[tokio::test]
async fn what_came_after_the_last_look_is_found_at_night() {
    let place = Place::new().await;
    let file = upload(&place.customer(), "a", &noise(10)).await.id();
    let late = format!("tenant/{}/uploads/{file}/put", place.demo.id);
    place
        .store
        .put(&Key::parse(&late).unwrap(), &mut BytesSource::new("late"))
        .await
        .unwrap();
    place.run("report-orphans").await;
    place.run("tend-files").await;
    assert_eq!(place.objects().await.len(), 1, "the file alone");
}

//! Old announcements go; what may still be needed stays.

use std::time::Duration;

use serde_json::json;

use crate::scene::{Mood, Scene};

async fn count(scene: &Scene, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(&mut scene.stage.admin().await)
        .await
        .unwrap()
}

async fn tidy(scene: &Scene) -> serde_json::Value {
    scene.knock("/internal/jobs/tidy-events").await
}

#[tokio::test]
async fn what_was_delivered_a_month_ago_goes_and_what_can_be_replayed_stays() {
    let scene = Scene::of(&["ear"]).await;
    scene.ear().moods("tickets/2", 1, &[Mood::Poison]);
    let announced = [("tickets/1".to_owned(), 1), ("tickets/2".to_owned(), 1)];
    scene.announce_all(scene.tenant.id, &announced, None).await;
    scene.relay().run_dry().await.unwrap();

    let day = Duration::from_hours(24);
    scene.clock().advance(29 * day);
    assert_eq!(
        tidy(&scene).await,
        json!({"announcements": 0, "receipts": 0})
    );
    scene.clock().advance(2 * day);
    assert_eq!(
        tidy(&scene).await,
        json!({"announcements": 1, "receipts": 0})
    );
    assert_eq!(count(&scene, "events.outbox").await, 1);
    scene.clock().advance(30 * day);
    assert_eq!(
        tidy(&scene).await,
        json!({"announcements": 0, "receipts": 1})
    );
    assert_eq!(count(&scene, "events.inbox").await, 0);
    assert_eq!(count(&scene, "events.dead_letters").await, 1);
}

//! Expired rows are deleted; rows that may be needed stay.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Fault, RelayHarness};

async fn count(harness: &RelayHarness, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(&mut harness.app.admin().await)
        .await
        .unwrap()
}

async fn run_tidy_events(harness: &RelayHarness) -> serde_json::Value {
    harness.call_internal("/internal/jobs/tidy-events").await
}

#[tokio::test]
async fn expired_rows_are_deleted_and_replayable_announcements_stay() {
    let harness = RelayHarness::with_functions(&["listener"]).await;
    harness
        .listener()
        .inject_faults("tickets/2", 1, &[Fault::Poison]);
    let announced = [("tickets/1".to_owned(), 1), ("tickets/2".to_owned(), 1)];
    harness
        .announce_all(harness.tenant.id, &announced, None)
        .await;
    harness.dispatcher().run_until_idle().await.unwrap();

    let day = Duration::from_hours(24);
    harness.clock().advance(29 * day);
    assert_eq!(
        run_tidy_events(&harness).await,
        json!({"announcements": 0, "receipts": 0})
    );
    harness.clock().advance(2 * day);
    assert_eq!(
        run_tidy_events(&harness).await,
        json!({"announcements": 1, "receipts": 0})
    );
    assert_eq!(count(&harness, "events.outbox").await, 1);
    harness.clock().advance(30 * day);
    assert_eq!(
        run_tidy_events(&harness).await,
        json!({"announcements": 0, "receipts": 1})
    );
    assert_eq!(count(&harness, "events.inbox").await, 0);
    assert_eq!(count(&harness, "events.dead_letters").await, 1);
}

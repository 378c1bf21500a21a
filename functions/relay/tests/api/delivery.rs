//! An announcement reaches every subscriber and takes effect once.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use serde_json::json;

use crate::harness::{Fault, PUBLISHED_SUBJECT, PUBLISHING_SUBJECT, RelayHarness};

#[tokio::test]
async fn an_announcement_arrives_unchanged_and_its_sealed_part_is_blanked() {
    let harness = RelayHarness::new().await;
    let announced = [("tickets/1".to_owned(), 7)];
    let ids = harness
        .announce_all(harness.tenant.id, &announced, Some(b"secret"))
        .await;
    assert_eq!(harness.dispatcher().run_until_idle().await.unwrap(), 1);
    let received = harness.listener().received.lock().unwrap().clone();
    assert_eq!(received.len(), 1);
    let event = &received[0];
    assert_eq!(
        (event.id, event.tenant, event.version),
        (ids[0], harness.tenant.id, 7)
    );
    assert_eq!(
        (event.subject.as_str(), event.source.as_str()),
        ("tickets/1", "/support")
    );
    assert_eq!(event.data, json!({"version": 7}));
    assert_eq!(event.sealed.as_deref(), Some(&b"secret"[..]));
    assert_eq!(event.time, harness.clock().now());
    let (sealed, published): (Option<Vec<u8>>, bool) =
        sqlx::query_as("select sealed, published_at is not null from events.outbox")
            .fetch_one(&mut harness.app.admin().await)
            .await
            .unwrap();
    assert_eq!((sealed, published), (None, true));
}

#[tokio::test]
async fn an_event_that_a_consumer_publishes_is_committed_with_its_effect() {
    let harness = RelayHarness::new().await;
    harness
        .listener()
        .inject_faults(PUBLISHING_SUBJECT, 1, &[Fault::Retry]);
    harness.announce(PUBLISHING_SUBJECT, 1).await;
    let relay = harness.dispatcher();
    relay.run_until_idle().await.unwrap();
    assert_eq!(harness.effects("listener").await, BTreeMap::new());
    assert_eq!(harness.count_unpublished().await, 1, "only the first event");
    harness.clock().advance(Duration::from_mins(1));
    relay.run_until_idle().await.unwrap();
    let once = [PUBLISHING_SUBJECT, PUBLISHED_SUBJECT].map(|one| ((one.to_owned(), 1), 1));
    assert_eq!(harness.effects("listener").await, BTreeMap::from(once));
}

#[tokio::test]
async fn an_announcement_without_subscribers_is_published() {
    let harness = RelayHarness::with_functions(&[]).await;
    harness.announce("tickets/1", 1).await;
    harness.dispatcher().run_until_idle().await.unwrap();
    assert_eq!(harness.count_unpublished().await, 0);
    assert_eq!(harness.delivery_count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn two_functions_receive_one_event_each() {
    let harness = RelayHarness::with_functions(&["one", "other"]).await;
    harness.announce("tickets/1", 1).await;
    harness.dispatcher().run_until_idle().await.unwrap();
    for name in ["one", "other"] {
        assert_eq!(harness.effects(name).await.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn two_dispatchers_in_parallel_deliver_everything_once() {
    let harness = RelayHarness::new().await;
    let all: Vec<(String, i64)> = (0..300)
        .map(|n| (format!("tickets/{}", n % 60), n))
        .collect();
    harness.announce_all(harness.tenant.id, &all, None).await;
    let (one, other) = (harness.dispatcher(), harness.dispatcher());
    let (delivered_by_one, delivered_by_other) =
        tokio::join!(one.run_until_idle(), other.run_until_idle());
    let (delivered_by_one, delivered_by_other) =
        (delivered_by_one.unwrap(), delivered_by_other.unwrap());
    // Either may find nothing while the other has claimed everything.
    let rest = harness.dispatcher().run_until_idle().await.unwrap();
    assert_eq!(delivered_by_one + delivered_by_other + rest, 300);
    assert_eq!(harness.delivery_count.load(Ordering::SeqCst), 300);
    let effects = harness.effects("listener").await;
    assert_eq!(effects.len(), 300);
    assert!(effects.values().all(|count| *count == 1));
    assert_eq!(harness.count_unpublished().await, 0);
}

#[tokio::test]
async fn tenants_do_not_wait_for_each_other_and_stay_separate() {
    let harness = RelayHarness::new().await;
    let other = harness.app.tenant("other").await;
    let same = [("tickets/1".to_owned(), 1)];
    harness.announce_all(harness.tenant.id, &same, None).await;
    harness.announce_all(other.id, &same, None).await;
    // One poll claims both: the same subject in two tenants is two aggregates.
    assert_eq!(harness.dispatcher().run_once().await.unwrap(), 2);
    let tenants: Vec<ids::TenantId> =
        sqlx::query_scalar("select tenant_id from access.usage_events order by tenant_id")
            .fetch_all(&mut harness.app.admin().await)
            .await
            .unwrap();
    let mut expected = vec![harness.tenant.id, other.id];
    expected.sort_unstable();
    assert_eq!(tenants, expected);
}

//! Failures specific to Pub/Sub: it rejects publishes for a while, and it delivers twice.

use std::time::Duration;

use crate::{
    harness::RelayHarness,
    transports::{BusKind, RunningRelay, TestBus},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcements_wait_in_the_outbox_during_a_pubsub_outage() {
    let mut harness = RelayHarness::new().await;
    let (bus, _served) = BusKind::PubSub.start(&mut harness).await;
    let TestBus::PubSub(fake) = &bus else {
        panic!("another bus")
    };
    let running = RunningRelay::start(&bus, &harness);
    fake.set_unavailable(true);
    for version in 1..=5 {
        harness.announce("tickets/a", version).await;
        harness.announce("tickets/b", version).await;
    }
    running.nudge();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(harness.count_unpublished().await, 10);
    fake.set_unavailable(false);
    running
        .wait_until(&harness, "select count(*) = 10 from access.usage_events")
        .await;
    for subject in ["tickets/a", "tickets/b"] {
        assert_eq!(harness.listener().versions(subject), [1, 2, 3, 4, 5]);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_pubsub_deliveries_take_effect_once() {
    let mut harness = RelayHarness::new().await;
    let (bus, _served) = BusKind::PubSub.start(&mut harness).await;
    let TestBus::PubSub(fake) = &bus else {
        panic!("another bus")
    };
    let running = RunningRelay::start(&bus, &harness);
    for version in 1..=20 {
        for subject in ["tickets/a", "tickets/b", "tickets/c"] {
            harness.announce(subject, version).await;
        }
    }
    running
        .wait_until(&harness, "select count(*) >= 60 from access.usage_events")
        .await;
    assert!(fake.pushes() > 60, "some were delivered again");
    assert!(
        harness
            .effects("listener")
            .await
            .values()
            .all(|count| *count == 1)
    );
    for subject in ["tickets/a", "tickets/b", "tickets/c"] {
        assert!(harness.listener().versions(subject).is_sorted());
    }
    running.stop().await;
}

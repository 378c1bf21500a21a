//! A dispatcher that crashes loses nothing and repeats no effect.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use events::Envelope;
use relay::{DeliveryOutcome, Transport};
use tokio::sync::Notify;

use crate::harness::{CountingTransport, RelayHarness};

/// Optionally delivers, and then never returns.
struct HangingTransport {
    inner: CountingTransport,
    delivers: bool,
}

impl Transport for HangingTransport {
    async fn deliver(&self, function: &str, event: &Envelope, attempt: i32) -> DeliveryOutcome {
        if self.delivers {
            self.inner.deliver(function, event, attempt).await;
        }
        std::future::pending().await
    }
}

/// Returns only when it is notified.
struct LateTransport(Arc<Notify>);

impl Transport for LateTransport {
    async fn deliver(&self, _: &str, _: &Envelope, _: i32) -> DeliveryOutcome {
        self.0.notified().await;
        DeliveryOutcome::Retry("too late".to_owned())
    }
}

async fn crashed(delivers: bool) -> RelayHarness {
    let harness = RelayHarness::new().await;
    for version in 1..=3 {
        harness.announce("tickets/a", version).await;
    }
    let relay = harness.dispatcher_with(HangingTransport {
        inner: harness.transport(),
        delivers,
    });
    // The future is dropped between claim and settlement.
    let timed_out = tokio::time::timeout(Duration::from_millis(500), relay.run_once()).await;
    assert!(timed_out.is_err());
    harness
}

#[tokio::test]
async fn a_crash_before_the_delivery_loses_nothing() {
    let harness = crashed(false).await;
    assert_eq!(
        harness.dispatcher().run_until_idle().await.unwrap(),
        0,
        "the lease is still valid"
    );
    harness.clock().advance(Duration::from_secs(61));
    assert_eq!(harness.dispatcher().run_until_idle().await.unwrap(), 3);
    assert_eq!(harness.listener().versions("tickets/a"), [1, 2, 3]);
}

#[tokio::test]
async fn a_crash_after_the_delivery_repeats_no_effect() {
    let harness = crashed(true).await;
    assert_eq!(harness.listener().versions("tickets/a"), [1]);
    harness.clock().advance(Duration::from_secs(61));
    harness.dispatcher().run_until_idle().await.unwrap();
    assert_eq!(harness.delivery_count.load(Ordering::SeqCst), 4);
    assert_eq!(harness.listener().versions("tickets/a"), [1, 2, 3]);
    assert!(
        harness
            .effects("listener")
            .await
            .values()
            .all(|count| *count == 1)
    );
    assert_eq!(harness.count_unpublished().await, 0);
}

#[tokio::test]
async fn a_late_settlement_does_not_overwrite_that_of_another_dispatcher() {
    let harness = RelayHarness::new().await;
    harness.announce("tickets/a", 1).await;
    let response = Arc::new(Notify::new());
    let slow = tokio::spawn({
        let relay = harness.dispatcher_with(LateTransport(response.clone()));
        async move { relay.run_once().await }
    });
    while harness.dispatcher().run_once().await.unwrap() == 0 && !slow.is_finished() {
        let claimed: i32 = sqlx::query_scalar("select attempts from events.outbox")
            .fetch_one(&mut harness.app.admin().await)
            .await
            .unwrap();
        if claimed == 1 {
            harness.clock().advance(Duration::from_secs(61));
        }
    }
    response.notify_one();
    slow.await.unwrap().unwrap();
    let (published, failure): (bool, Option<String>) =
        sqlx::query_as("select published_at is not null, failure from events.outbox")
            .fetch_one(&mut harness.app.admin().await)
            .await
            .unwrap();
    assert_eq!((published, failure), (true, None));
}

//! A refused event is retried with backoff and finally parked.

use std::{sync::atomic::Ordering, time::Duration};

use relay::{InProcess, Limits, OutboxDispatcher};
use serde_json::json;

use crate::harness::{Fault, RelayHarness, wrong_secret};

#[tokio::test]
async fn a_refused_event_is_retried_with_backoff_and_parked_with_its_reason() {
    let harness = RelayHarness::new().await;
    harness
        .listener()
        .inject_faults("tickets/a", 1, &[Fault::Retry, Fault::Retry, Fault::Retry]);
    harness.announce("tickets/a", 1).await;
    harness.announce("tickets/a", 2).await;
    harness.announce("tickets/b", 1).await;
    let relay = harness.dispatcher();
    let run = async || relay.run_until_idle().await.unwrap();
    // The first attempt, and the other aggregate.
    assert_eq!(run().await, 2);
    for wait in [1_000, 4_000] {
        harness.clock().advance(Duration::from_millis(wait - 1));
        assert_eq!(run().await, 0, "{wait} ms have not passed");
        harness.clock().advance(Duration::from_millis(1));
        // The third refusal parks it, and the next event of the aggregate follows at once.
        assert_eq!(run().await, if wait == 1_000 { 1 } else { 2 });
    }
    assert_eq!(harness.listener().versions("tickets/a"), [2]);
    assert_eq!(harness.listener().versions("tickets/b"), [1]);
    assert_eq!(harness.count_unpublished().await, 0);
    let dead_letters = harness
        .operator()
        .get("/internal/dead-letters")
        .await
        .expect(200)
        .json();
    let letter = &dead_letters["items"][0];
    assert_eq!(dead_letters["items"].as_array().unwrap().len(), 1);
    assert_eq!(letter["reason"], "listener.notes: not now");
    assert_eq!(
        (&letter["attempts"], &letter["function"]),
        (&json!(3), &json!("listener"))
    );
    assert_eq!(letter["envelope"]["subject"], "tickets/a");
}

#[tokio::test]
async fn a_panic_and_a_timeout_count_as_refusals() {
    let harness = RelayHarness::new().await;
    harness
        .listener()
        .inject_faults("tickets/a", 1, &[Fault::Panic]);
    harness
        .listener()
        .inject_faults("tickets/b", 1, &[Fault::Hang]);
    harness.announce("tickets/a", 1).await;
    harness.announce("tickets/b", 1).await;
    let relay = harness.dispatcher();
    relay.run_until_idle().await.unwrap();
    let failures: Vec<(i32, String)> =
        sqlx::query_as("select refusals, failure from events.outbox order by aggregate")
            .fetch_all(&mut harness.app.admin().await)
            .await
            .unwrap();
    assert_eq!(
        failures,
        [
            (
                1,
                "listener: listener.notes: the consumer panicked".to_owned()
            ),
            (
                1,
                "listener: listener.notes: the consumer took longer than 5s".to_owned()
            ),
        ]
    );
    // The failed attempts were rolled back.
    assert!(harness.effects("listener").await.is_empty());
    harness.clock().advance(Duration::from_secs(1));
    assert_eq!(relay.run_until_idle().await.unwrap(), 2);
    assert_eq!(harness.effects("listener").await.len(), 2);
}

#[tokio::test]
async fn poison_is_parked_at_once_for_one_function_and_delivered_to_the_other() {
    let harness = RelayHarness::with_functions(&["one", "other"]).await;
    harness.listeners["one"].inject_faults("tickets/a", 1, &[Fault::Poison]);
    harness.listeners["other"].inject_faults("tickets/a", 1, &[Fault::Retry]);
    harness.announce("tickets/a", 1).await;
    let relay = harness.dispatcher();
    relay.run_until_idle().await.unwrap();
    assert_eq!(harness.delivery_count.load(Ordering::SeqCst), 2);
    assert_eq!(
        harness.count_unpublished().await,
        1,
        "the other function has not accepted it yet"
    );
    harness.clock().advance(Duration::from_secs(1));
    relay.run_until_idle().await.unwrap();
    assert_eq!(
        harness.delivery_count.load(Ordering::SeqCst),
        3,
        "only the other function gets the retry"
    );
    assert_eq!(harness.effects("other").await.len(), 1);
    assert!(harness.effects("one").await.is_empty());
    assert_eq!(harness.count_unpublished().await, 0);
}

#[tokio::test]
async fn a_long_outage_of_a_function_parks_nothing() {
    let harness = RelayHarness::new().await;
    harness.announce("tickets/a", 1).await;
    let no_function = InProcess::new(harness.app.state.internal_auth(), harness.clock().clone());
    let unauthenticated = InProcess::new(&wrong_secret(), harness.clock().clone())
        .with_function("listener", harness.internal("listener"));
    for transport in [no_function, unauthenticated] {
        let relay = harness.dispatcher_with(transport);
        for _ in 0..6 {
            assert_eq!(relay.run_until_idle().await.unwrap(), 1);
            harness.clock().advance(Duration::from_mins(15));
        }
    }
    let (attempts, refusals): (i32, i32) =
        sqlx::query_as("select attempts, refusals from events.outbox")
            .fetch_one(&mut harness.app.admin().await)
            .await
            .unwrap();
    assert_eq!((attempts, refusals), (12, 0));
    // The function is back, refuses for a while, and then accepts.
    harness.listener().inject_faults(
        "tickets/a",
        1,
        &[
            Fault::Retry,
            Fault::Unavailable,
            Fault::Unavailable,
            Fault::Retry,
        ],
    );
    for _ in 0..5 {
        harness.dispatcher().run_until_idle().await.unwrap();
        harness.clock().advance(Duration::from_mins(15));
    }
    assert_eq!(harness.listener().versions("tickets/a"), [1]);
    assert_eq!(harness.count_unpublished().await, 0);
}

#[tokio::test]
async fn without_a_database_the_dispatcher_fails_and_loses_nothing() {
    let harness = RelayHarness::new().await;
    harness.announce("tickets/a", 1).await;
    let unreachable = db::Db::connect_lazy("postgres://unknown@127.0.0.1:1/nothing", 1).unwrap();
    let relay = OutboxDispatcher::new(
        unreachable,
        harness.clock().clone(),
        harness.transport(),
        harness.routing(),
    )
    .with_limits(Limits::default());
    assert!(relay.run_once().await.is_err());
    assert_eq!(harness.dispatcher().run_until_idle().await.unwrap(), 1);
}

/// A bus on which one function has no topic.
#[derive(Clone)]
struct BusWithMissingTopic(crate::harness::CountingTransport);

impl relay::Transport for BusWithMissingTopic {
    const IS_BUS: bool = true;

    async fn deliver(
        &self,
        function: &str,
        event: &events::Envelope,
        attempt: i32,
    ) -> relay::DeliveryOutcome {
        if function == "missing" {
            return relay::DeliveryOutcome::Unreachable("topic not found".to_owned());
        }
        self.0.deliver(function, event, attempt).await
    }
}

#[tokio::test]
async fn on_a_bus_a_missing_topic_does_not_delay_other_functions() {
    const EVENT_COUNT: i64 = 100;
    let harness = RelayHarness::with_functions(&["missing", "healthy"]).await;
    let all: Vec<_> = (0..EVENT_COUNT)
        .map(|n| (format!("tickets/{n}"), 1))
        .collect();
    harness.announce_all(harness.tenant.id, &all, None).await;
    let relay = harness.dispatcher_with(BusWithMissingTopic(harness.transport()));
    let running = tokio::spawn(relay.run(std::future::pending()));
    // Every event is attempted although all earlier ones failed for one function; the clock does not advance.
    let healthy = &harness.listeners["healthy"];
    let all_received = async {
        while healthy.received.lock().unwrap().len() < all.len() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), all_received).await;
    assert!(
        done.is_ok(),
        "{} of {EVENT_COUNT}",
        healthy.received.lock().unwrap().len()
    );
    running.abort();
}

#[tokio::test]
async fn on_a_bus_events_without_a_topic_leave_capacity_for_new_ones() {
    let harness = RelayHarness::with_functions(&["missing", "healthy"]).await;
    let all: Vec<_> = (0..20).map(|n| (format!("tickets/{n}"), 1)).collect();
    harness.announce_all(harness.tenant.id, &all, None).await;
    let relay = harness.dispatcher_with(BusWithMissingTopic(harness.transport()));
    let running = tokio::spawn(relay.run(std::future::pending()));
    let healthy = &harness.listeners["healthy"];
    let wait_for = async |count: usize| {
        while healthy.received.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(50)).await;
            // Makes every failed event due again.
            harness.clock().advance(Duration::from_mins(1));
        }
    };
    wait_for(all.len()).await;
    // No function responds for a while.
    tokio::time::sleep(Duration::from_secs(6)).await;
    harness.announce("tickets/new", 1).await;
    let done = tokio::time::timeout(Duration::from_secs(20), wait_for(all.len() + 1)).await;
    assert!(done.is_ok(), "it was not delivered");
    running.abort();
}

//! Events of one aggregate are delivered in order; there is no order between aggregates.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use events::{Envelope, push};
use futures::StreamExt;
use http::{Request, StatusCode};
use tower::ServiceExt;

use crate::harness::{Fault, RelayHarness, THING_HAPPENED};

#[tokio::test]
async fn an_aggregate_waits_for_its_oldest_event_and_others_proceed() {
    let harness = RelayHarness::new().await;
    for version in 1..=4 {
        harness.announce("tickets/a", version).await;
        harness.announce("tickets/b", version).await;
    }
    harness
        .listener()
        .inject_faults("tickets/a", 2, &[Fault::Retry, Fault::Retry]);
    harness
        .listener()
        .inject_faults("tickets/a", 3, &[Fault::Retry]);
    let relay = harness.dispatcher();
    relay.run_until_idle().await.unwrap();
    assert_eq!(harness.listener().versions("tickets/b"), [1, 2, 3, 4]);
    assert_eq!(harness.listener().versions("tickets/a"), [1]);
    for _ in 0..4 {
        harness.clock().advance(std::time::Duration::from_mins(1));
        relay.run_until_idle().await.unwrap();
    }
    assert_eq!(harness.listener().versions("tickets/a"), [1, 2, 3, 4]);
    assert_eq!(harness.count_unpublished().await, 0);
}

#[tokio::test]
async fn announcements_of_one_transaction_keep_their_order() {
    let harness = RelayHarness::new().await;
    let all: Vec<(String, i64)> = (0..20).map(|_| ("tickets/a".to_owned(), 3)).collect();
    let announced = harness.announce_all(harness.tenant.id, &all, None).await;
    harness.dispatcher().run_until_idle().await.unwrap();
    let received: Vec<_> = harness
        .listener()
        .received
        .lock()
        .unwrap()
        .iter()
        .map(|event| event.id)
        .collect();
    assert_eq!(received, announced);
}

async fn deliver(router: &Router, proof: &http::HeaderValue, event: &Envelope) -> StatusCode {
    let body = push::wrap(event, "listener", 1).to_string();
    loop {
        let request = Request::post(push::PATH)
            .header("content-type", "application/json")
            .header("authorization", proof)
            .body(Body::from(body.clone()))
            .unwrap();
        let status = router.clone().oneshot(request).await.unwrap().status();
        // Of two deliveries of one event at the same time the later one waits and may have to be retried.
        if status != StatusCode::SERVICE_UNAVAILABLE {
            return status;
        }
    }
}

/// A pseudo-random number, the same in every run.
fn pseudo_random(n: u64) -> u64 {
    n.wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407)
        .rotate_left(29)
}

/// Number of shuffled events: `SHUFFLED_EVENTS`, few by default.
fn event_count() -> i64 {
    let events = web::settings::environment("SHUFFLED_EVENTS");
    events.and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

#[tokio::test]
async fn shuffled_events_delivered_one_to_five_times_take_effect_once() {
    let harness = RelayHarness::new().await;
    let now = harness.clock().now();
    let all: Vec<Envelope> = (0..event_count())
        .map(|n| Envelope {
            id: ids::EventId::at(now),
            source: "/support".to_owned(),
            r#type: THING_HAPPENED.to_owned(),
            subject: format!("tickets/{}", n % 100),
            time: now,
            tenant: harness.tenant.id,
            version: n / 100,
            request_id: None,
            traceparent: None,
            data: serde_json::json!({}),
            sealed: None,
        })
        .collect();
    // One to five deliveries each, shuffled.
    let mut deliveries: Vec<(u64, &Envelope)> = Vec::new();
    for (n, event) in (0_u64..).zip(&all) {
        deliveries
            .extend((0..=pseudo_random(n) % 5).map(|time| (pseudo_random(n * 7 + time), event)));
    }
    deliveries.sort_unstable_by_key(|(key, _)| *key);
    let router = harness.internal("listener");
    let proof = harness.app.state.internal_auth().header().unwrap();
    let statuses: Vec<StatusCode> = futures::stream::iter(deliveries)
        .map(|(_, event)| deliver(&router, &proof, event))
        .buffer_unordered(8)
        .collect()
        .await;
    assert!(statuses.iter().all(|status| *status == 204), "{statuses:?}");
    let expected: BTreeMap<(String, i64), i64> = all
        .iter()
        .map(|event| ((event.subject.clone(), event.version), 1))
        .collect();
    assert_eq!(harness.effects("listener").await, expected);
}

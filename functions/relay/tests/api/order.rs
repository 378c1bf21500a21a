//! The order of one aggregate holds; the order of everything does not matter.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use events::{Envelope, push};
use futures::StreamExt;
use http::{Request, StatusCode};
use tower::ServiceExt;

use crate::scene::{HEARD, Mood, Scene};

#[tokio::test]
async fn an_aggregate_waits_for_its_oldest_event_and_others_flow_by() {
    let scene = Scene::new().await;
    for version in 1..=4 {
        scene.announce("tickets/a", version).await;
        scene.announce("tickets/b", version).await;
    }
    scene
        .ear()
        .moods("tickets/a", 2, &[Mood::Retry, Mood::Retry]);
    scene.ear().moods("tickets/a", 3, &[Mood::Retry]);
    let relay = scene.relay();
    relay.run_dry().await.unwrap();
    assert_eq!(scene.ear().versions("tickets/b"), [1, 2, 3, 4]);
    assert_eq!(scene.ear().versions("tickets/a"), [1]);
    for _ in 0..4 {
        scene.clock().advance(std::time::Duration::from_mins(1));
        relay.run_dry().await.unwrap();
    }
    assert_eq!(scene.ear().versions("tickets/a"), [1, 2, 3, 4]);
    assert_eq!(scene.waiting().await, 0);
}

#[tokio::test]
async fn what_one_transaction_says_of_one_version_comes_as_it_was_said() {
    let scene = Scene::new().await;
    let all: Vec<(String, i64)> = (0..20).map(|_| ("tickets/a".to_owned(), 3)).collect();
    let announced = scene.announce_all(scene.tenant.id, &all, None).await;
    scene.relay().run_dry().await.unwrap();
    let heard: Vec<_> = scene
        .ear()
        .heard
        .lock()
        .unwrap()
        .iter()
        .map(|event| event.id)
        .collect();
    assert_eq!(heard, announced);
}

async fn deliver(router: &Router, proof: &http::HeaderValue, event: &Envelope) -> StatusCode {
    let body = push::wrap(event, "ear", 1).to_string();
    loop {
        let request = Request::post(push::PATH)
            .header("content-type", "application/json")
            .header("authorization", proof)
            .body(Body::from(body.clone()))
            .unwrap();
        let status = router.clone().oneshot(request).await.unwrap().status();
        // Two of one event at the same moment: the later one waits, and may be told to come again.
        if status != StatusCode::SERVICE_UNAVAILABLE {
            return status;
        }
    }
}

/// A number that looks drawn, the same in every run.
fn drawn(n: u64) -> u64 {
    n.wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407)
        .rotate_left(29)
}

/// How many events are shuffled: a hundred thousand in the whole proof, less in CI.
fn share() -> i64 {
    let events = web::settings::environment("SHUFFLED_EVENTS");
    events.and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

#[tokio::test]
async fn events_brought_one_to_five_times_in_any_order_have_the_effect_of_one_ordered_delivery() {
    let scene = Scene::new().await;
    let now = scene.clock().now();
    let all: Vec<Envelope> = (0..share())
        .map(|n| Envelope {
            id: ids::EventId::at(now),
            source: "/support".to_owned(),
            r#type: HEARD.r#type.to_owned(),
            subject: format!("tickets/{}", n % 100),
            time: now,
            tenant: scene.tenant.id,
            version: n / 100,
            request_id: None,
            traceparent: None,
            data: serde_json::json!({}),
            sealed: None,
        })
        .collect();
    // One to five times each, in another order each time.
    let mut journeys: Vec<(u64, &Envelope)> = Vec::new();
    for (n, event) in (0_u64..).zip(&all) {
        journeys.extend((0..=drawn(n) % 5).map(|time| (drawn(n * 7 + time), event)));
    }
    journeys.sort_unstable_by_key(|(key, _)| *key);
    let router = scene.internal("ear");
    let proof = scene.stage.gate.internal_auth().header().unwrap();
    let statuses: Vec<StatusCode> = futures::stream::iter(journeys)
        .map(|(_, event)| deliver(&router, &proof, event))
        .buffer_unordered(8)
        .collect()
        .await;
    assert!(statuses.iter().all(|status| *status == 204), "{statuses:?}");
    let expected: BTreeMap<(String, i64), i64> = all
        .iter()
        .map(|event| ((event.subject.clone(), event.version), 1))
        .collect();
    assert_eq!(scene.effects("ear").await, expected);
}

//! Guarantees of every bus: order per aggregate, one effect per event, nothing lost.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    harness::{Fault, RelayHarness},
    process::serve_at,
    transports::{self, BusKind, RunningRelay},
};

macro_rules! for_every_bus {
    ($($name:ident),* $(,)?) => {
        mod http {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::BusKind::Http).await; })*
        }
        mod rabbitmq {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::BusKind::RabbitMq).await; })*
        }
        #[cfg(feature = "gcp")]
        mod pubsub {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::BusKind::PubSub).await; })*
        }
    };
}
for_every_bus! {
    the_order_of_an_aggregate_holds_through_refusals,
    repeated_deliveries_take_effect_once,
    poison_is_parked_and_replayed_with_its_sealed_part,
    a_consumer_that_panics_or_hangs_is_parked_and_others_proceed,
    an_outage_of_a_function_parks_nothing,
    a_stop_leaves_nothing_unfinished,
    a_crash_at_any_moment_loses_nothing_and_repeats_no_effect,
}

async fn list_dead_letters(harness: &RelayHarness) -> Vec<Value> {
    let page = harness.operator().get("/internal/dead-letters").await;
    page.expect(200).json()["items"].as_array().unwrap().clone()
}

async fn the_order_of_an_aggregate_holds_through_refusals(kind: BusKind) {
    let mut harness = RelayHarness::new().await;
    harness.listener().inject_faults(
        "tickets/a",
        2,
        &[Fault::Retry, Fault::Unavailable, Fault::Retry],
    );
    harness
        .listener()
        .inject_faults("tickets/b", 1, &[Fault::Panic]);
    harness
        .listener()
        .inject_faults("tickets/b", 4, &[Fault::Unavailable; 6]);
    let (bus, _served) = kind.start(&mut harness).await;
    let running = RunningRelay::start(&bus, &harness);
    for version in 1..=6 {
        for subject in ["tickets/a", "tickets/b", "tickets/c"] {
            harness.announce(subject, version).await;
        }
    }
    running
        .wait_until(&harness, "select count(*) = 18 from access.usage_events")
        .await;
    for subject in ["tickets/a", "tickets/b", "tickets/c"] {
        assert_eq!(harness.listener().versions(subject), [1, 2, 3, 4, 5, 6]);
    }
    running.stop().await;
}

async fn repeated_deliveries_take_effect_once(kind: BusKind) {
    let mut harness = RelayHarness::new().await;
    let (bus, _served) = kind.start(&mut harness).await;
    let running = RunningRelay::start(&bus, &harness);
    for version in 1..=5 {
        harness.announce("tickets/a", version).await;
        harness.announce("tickets/b", version).await;
    }
    running
        .wait_until(
            &harness,
            "select count(*) = 0 from events.outbox where published_at is null",
        )
        .await;
    // As if every relay had crashed before it could settle.
    sqlx::query("update events.outbox set published_at = null, next_attempt_at = occurred_at")
        .execute(&mut harness.app.admin().await)
        .await
        .unwrap();
    // These arrive last, so the repeated deliveries are done by then.
    harness.announce("tickets/a", 6).await;
    harness.announce("tickets/b", 6).await;
    running
        .wait_until(
            &harness,
            "select count(*) = 2 from access.usage_events where quantity = 6",
        )
        .await;
    let effects = harness.effects("listener").await;
    assert_eq!(effects.len(), 12);
    assert!(effects.values().all(|count| *count == 1), "{effects:?}");
    assert_eq!(harness.listener().versions("tickets/a"), [1, 2, 3, 4, 5, 6]);
    running.stop().await;
}

async fn poison_is_parked_and_replayed_with_its_sealed_part(kind: BusKind) {
    let mut harness = RelayHarness::new().await;
    harness
        .listener()
        .inject_faults("tickets/a", 1, &[Fault::Poison; 30]);
    let (bus, _served) = kind.start(&mut harness).await;
    let running = RunningRelay::start(&bus, &harness);
    let announced = [("tickets/a".to_owned(), 1), ("tickets/a".to_owned(), 2)];
    harness
        .announce_all(harness.tenant.id, &announced, Some(b"sealed"))
        .await;
    running
        .wait_until(&harness, "select count(*) = 1 from access.usage_events")
        .await;
    assert_eq!(harness.listener().versions("tickets/a"), [2]);
    running
        .wait_until(&harness, "select count(*) = 1 from events.dead_letters")
        .await;
    let dead_letters = list_dead_letters(&harness).await;
    assert_eq!(dead_letters.len(), 1);
    assert_eq!(dead_letters[0]["function"], "listener");
    assert_eq!(dead_letters[0]["envelope"]["subject"], "tickets/a");
    assert!(
        !dead_letters[0].to_string().contains("c2VhbGVk"),
        "the sealed part is hidden"
    );
    // The consumer is fixed.
    harness.listener().inject_faults("tickets/a", 1, &[]);
    let path = format!(
        "/internal/dead-letters/{}/replay",
        dead_letters[0]["id"].as_str().unwrap()
    );
    harness.operator().post(&path, json!({})).await.expect(202);
    running
        .wait_until(&harness, "select count(*) = 2 from access.usage_events")
        .await;
    assert_eq!(harness.listener().versions("tickets/a"), [2, 1]);
    let sealed = harness.listener().received.lock().unwrap()[1]
        .sealed
        .clone();
    assert_eq!(sealed.as_deref(), Some(&b"sealed"[..]));
    running
        .wait_until(
            &harness,
            "select count(*) = 0 from events.outbox where sealed is not null",
        )
        .await;
    running.stop().await;
}

async fn a_consumer_that_panics_or_hangs_is_parked_and_others_proceed(kind: BusKind) {
    let mut harness = RelayHarness::new().await;
    harness
        .listener()
        .inject_faults("tickets/hangs", 1, &[Fault::Hang; 30]);
    harness
        .listener()
        .inject_faults("tickets/panics", 1, &[Fault::Panic; 30]);
    let (bus, _served) = kind.start(&mut harness).await;
    let running = RunningRelay::start(&bus, &harness);
    for subject in ["tickets/hangs", "tickets/panics"] {
        harness.announce(subject, 1).await;
        harness.announce(subject, 2).await;
    }
    for other in 0..30 {
        harness.announce(&format!("tickets/{other}"), 1).await;
    }
    running
        .wait_until(
            &harness,
            "select count(*) = 30 from access.usage_events where quantity = 1",
        )
        .await;
    assert!(
        harness.listener().versions("tickets/hangs").is_empty(),
        "other aggregates did not wait"
    );
    running
        .wait_until(
            &harness,
            "select count(*) = 2 from access.usage_events where quantity = 2",
        )
        .await;
    assert_eq!(harness.listener().versions("tickets/hangs"), [2]);
    assert_eq!(harness.listener().versions("tickets/panics"), [2]);
    let mut subjects: Vec<Value> = list_dead_letters(&harness)
        .await
        .iter()
        .map(|letter| letter["envelope"]["subject"].clone())
        .collect();
    subjects.sort_by_key(ToString::to_string);
    assert_eq!(subjects, ["tickets/hangs", "tickets/panics"]);
    running.stop().await;
}

async fn an_outage_of_a_function_parks_nothing(kind: BusKind) {
    let mut harness = RelayHarness::new().await;
    let port = transports::free_port().await;
    let bus = kind.set_up(&mut harness, port).await;
    let running = RunningRelay::start(&bus, &harness);
    for version in 1..=10 {
        harness.announce("tickets/a", version).await;
        harness.announce(&format!("tickets/{version}"), 1).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (_, _served) = serve_at(&harness, port).await;
    running
        .wait_until(&harness, "select count(*) = 20 from access.usage_events")
        .await;
    assert!(harness.listener().versions("tickets/a").is_sorted());
    assert!(list_dead_letters(&harness).await.is_empty());
    running.stop().await;
}

async fn a_stop_leaves_nothing_unfinished(kind: BusKind) {
    let mut harness = RelayHarness::new().await;
    let (bus, _served) = kind.start(&mut harness).await;
    for version in 1..=4 {
        for subject in 0..25 {
            harness
                .announce(&format!("tickets/{subject}"), version)
                .await;
        }
        let running = RunningRelay::start(&bus, &harness);
        tokio::time::sleep(Duration::from_millis(300)).await;
        running.stop().await;
    }
    let running = RunningRelay::start(&bus, &harness);
    running
        .wait_until(&harness, "select count(*) = 100 from access.usage_events")
        .await;
    for subject in 0..25 {
        let versions = harness.listener().versions(&format!("tickets/{subject}"));
        assert_eq!(versions, [1, 2, 3, 4]);
    }
    assert!(list_dead_letters(&harness).await.is_empty());
    running.stop().await;
}

/// Number of crashes: `DEATHS`, few by default.
fn crash_count() -> i64 {
    let count = web::settings::environment("DEATHS");
    count.and_then(|text| text.parse().ok()).unwrap_or(12)
}

async fn a_crash_at_any_moment_loses_nothing_and_repeats_no_effect(kind: BusKind) {
    let mut harness = RelayHarness::new().await;
    let (bus, _served) = kind.start(&mut harness).await;
    let subjects = ["tickets/a", "tickets/b", "tickets/c"];
    for version in 1..=crash_count() {
        for subject in subjects {
            harness.announce(subject, version).await;
        }
        let running = RunningRelay::start(&bus, &harness);
        running.nudge();
        // A little later each time: before the claim, during the delivery, before the settlement.
        let lifetime = Duration::from_millis(7 * version.unsigned_abs() % 90);
        tokio::time::sleep(lifetime).await;
        running.kill().await;
        // The leases of the crashed relay expire.
        harness.clock().advance(Duration::from_secs(61));
    }
    let running = RunningRelay::start(&bus, &harness);
    running
        .wait_until(
            &harness,
            "select count(*) = 0 from events.outbox where published_at is null",
        )
        .await;
    running
        .wait_until(
            &harness,
            "select count(*) >= (select count(*) from events.outbox) from access.usage_events",
        )
        .await;
    let effects = harness.effects("listener").await;
    assert!(effects.values().all(|count| *count == 1), "{effects:?}");
    let all: Vec<i64> = (1..=crash_count()).collect();
    for subject in subjects {
        assert_eq!(harness.listener().versions(subject), all);
    }
    assert!(list_dead_letters(&harness).await.is_empty());
    running.stop().await;
}

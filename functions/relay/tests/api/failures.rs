//! What is refused comes again, ever later, and is parked in the end.

use std::{sync::atomic::Ordering, time::Duration};

use relay::{InProcess, Limits, Relay};
use serde_json::json;

use crate::scene::{Mood, Scene, forged};

#[tokio::test]
async fn a_refused_event_waits_longer_each_time_and_is_parked_with_its_reason() {
    let scene = Scene::new().await;
    scene
        .ear()
        .moods("tickets/a", 1, &[Mood::Retry, Mood::Retry, Mood::Retry]);
    scene.announce("tickets/a", 1).await;
    scene.announce("tickets/a", 2).await;
    scene.announce("tickets/b", 1).await;
    let relay = scene.relay();
    let tries = async || relay.run_dry().await.unwrap();
    // The first time, and the other aggregate.
    assert_eq!(tries().await, 2);
    for wait in [1_000, 4_000] {
        scene.clock().advance(Duration::from_millis(wait - 1));
        assert_eq!(tries().await, 0, "{wait} ms have not passed");
        scene.clock().advance(Duration::from_millis(1));
        // The third refusal parks it, and its successor follows at once.
        assert_eq!(tries().await, if wait == 1_000 { 1 } else { 2 });
    }
    assert_eq!(scene.ear().versions("tickets/a"), [2]);
    assert_eq!(scene.ear().versions("tickets/b"), [1]);
    assert_eq!(scene.waiting().await, 0);
    let letters = scene
        .operator()
        .get("/internal/dead-letters")
        .await
        .expect(200)
        .json();
    let letter = &letters["items"][0];
    assert_eq!(letters["items"].as_array().unwrap().len(), 1);
    assert_eq!(letter["reason"], "ear.notes: not now");
    assert_eq!(
        (&letter["attempts"], &letter["function"]),
        (&json!(3), &json!("ear"))
    );
    assert_eq!(letter["envelope"]["subject"], "tickets/a");
}

#[tokio::test]
async fn a_panic_and_a_long_silence_count_as_refusals() {
    let scene = Scene::new().await;
    scene.ear().moods("tickets/a", 1, &[Mood::Panic]);
    scene.ear().moods("tickets/b", 1, &[Mood::Hang]);
    scene.announce("tickets/a", 1).await;
    scene.announce("tickets/b", 1).await;
    let relay = scene.relay();
    relay.run_dry().await.unwrap();
    let failures: Vec<(i32, String)> =
        sqlx::query_as("select refusals, failure from events.outbox order by aggregate")
            .fetch_all(&mut scene.stage.admin().await)
            .await
            .unwrap();
    assert_eq!(
        failures,
        [
            (1, "ear: ear.notes: the consumer panicked".to_owned()),
            (
                1,
                "ear: ear.notes: the consumer took longer than 5s".to_owned()
            ),
        ]
    );
    // Nothing of the broken tries stayed.
    assert!(scene.effects("ear").await.is_empty());
    scene.clock().advance(Duration::from_secs(1));
    assert_eq!(relay.run_dry().await.unwrap(), 2);
    assert_eq!(scene.effects("ear").await.len(), 2);
}

#[tokio::test]
async fn poison_for_one_function_is_parked_at_once_and_the_other_has_it() {
    let scene = Scene::of(&["one", "other"]).await;
    scene.ears["one"].moods("tickets/a", 1, &[Mood::Poison]);
    scene.ears["other"].moods("tickets/a", 1, &[Mood::Retry]);
    scene.announce("tickets/a", 1).await;
    let relay = scene.relay();
    relay.run_dry().await.unwrap();
    assert_eq!(scene.carried.load(Ordering::SeqCst), 2);
    assert_eq!(scene.waiting().await, 1, "the other still has to take it");
    scene.clock().advance(Duration::from_secs(1));
    relay.run_dry().await.unwrap();
    assert_eq!(
        scene.carried.load(Ordering::SeqCst),
        3,
        "only the other is asked again"
    );
    assert_eq!(scene.effects("other").await.len(), 1);
    assert!(scene.effects("one").await.is_empty());
    assert_eq!(scene.waiting().await, 0);
}

#[tokio::test]
async fn an_outage_of_a_function_parks_nothing_however_long_it_lasts() {
    let scene = Scene::new().await;
    scene.announce("tickets/a", 1).await;
    let nobody = InProcess::new(scene.stage.gate.internal_auth(), scene.clock().clone());
    let refused =
        InProcess::new(&forged(), scene.clock().clone()).function("ear", scene.internal("ear"));
    for transport in [nobody, refused] {
        let relay = scene.relay_with(transport);
        for _ in 0..6 {
            assert_eq!(relay.run_dry().await.unwrap(), 1);
            scene.clock().advance(Duration::from_mins(15));
        }
    }
    let (attempts, refusals): (i32, i32) =
        sqlx::query_as("select attempts, refusals from events.outbox")
            .fetch_one(&mut scene.stage.admin().await)
            .await
            .unwrap();
    assert_eq!((attempts, refusals), (12, 0));
    // It is back, busy for a moment, and takes it.
    scene.ear().moods(
        "tickets/a",
        1,
        &[Mood::Retry, Mood::Away, Mood::Away, Mood::Retry],
    );
    for _ in 0..5 {
        scene.relay().run_dry().await.unwrap();
        scene.clock().advance(Duration::from_mins(15));
    }
    assert_eq!(scene.ear().versions("tickets/a"), [1]);
    assert_eq!(scene.waiting().await, 0);
}

#[tokio::test]
async fn without_a_database_the_relay_says_so_and_loses_nothing() {
    let scene = Scene::new().await;
    scene.announce("tickets/a", 1).await;
    let away = db::Db::lazy("postgres://nobody@127.0.0.1:1/nothing", 1).unwrap();
    let relay = Relay::new(
        away,
        scene.clock().clone(),
        scene.transport(),
        scene.routing(),
    )
    .with_limits(Limits::default());
    assert!(relay.run_once().await.is_err());
    assert_eq!(scene.relay().run_dry().await.unwrap(), 1);
}

/// A bus on which one function's mailbox is missing.
#[derive(Clone)]
struct OneIsMissing(crate::scene::Counting);

impl relay::Transport for OneIsMissing {
    const HANDS_ON: bool = true;

    async fn deliver(
        &self,
        function: &str,
        event: &events::Envelope,
        attempt: i32,
    ) -> relay::Delivery {
        if function == "missing" {
            return relay::Delivery::Unreachable("there is no such topic".to_owned());
        }
        self.0.deliver(function, event, attempt).await
    }
}

#[tokio::test]
async fn on_a_bus_one_function_without_a_mailbox_holds_up_no_other() {
    const EACH: i64 = 100;
    let scene = Scene::of(&["missing", "well"]).await;
    let all: Vec<_> = (0..EACH).map(|n| (format!("tickets/{n}"), 1)).collect();
    scene.announce_all(scene.tenant.id, &all, None).await;
    let relay = scene.relay_with(OneIsMissing(scene.transport()));
    let running = tokio::spawn(relay.run(std::future::pending()));
    // Each is tried, although those before it all came to nothing for one of the two; the clock stands still.
    let well = &scene.ears["well"];
    let everything = async {
        while well.heard.lock().unwrap().len() < all.len() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), everything).await;
    assert!(
        done.is_ok(),
        "{} of {EACH}",
        well.heard.lock().unwrap().len()
    );
    running.abort();
}

#[tokio::test]
async fn on_a_bus_what_finds_no_mailbox_leaves_room_for_the_first_event_after_a_quiet_hour() {
    let scene = Scene::of(&["missing", "well"]).await;
    let all: Vec<_> = (0..20).map(|n| (format!("tickets/{n}"), 1)).collect();
    scene.announce_all(scene.tenant.id, &all, None).await;
    let relay = scene.relay_with(OneIsMissing(scene.transport()));
    let running = tokio::spawn(relay.run(std::future::pending()));
    let well = &scene.ears["well"];
    let heard = async |count: usize| {
        while well.heard.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(50)).await;
            // All that found nobody is due again, always.
            scene.clock().advance(Duration::from_mins(1));
        }
    };
    heard(all.len()).await;
    // Nobody at all was met for a while.
    tokio::time::sleep(Duration::from_secs(6)).await;
    scene.announce("tickets/new", 1).await;
    let done = tokio::time::timeout(Duration::from_secs(20), heard(all.len() + 1)).await;
    assert!(done.is_ok(), "it was not brought");
    running.abort();
}

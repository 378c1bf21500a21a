//! What every way keeps: the order of an aggregate, one effect for each event, and nothing lost.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    process::serve_at,
    scene::{Mood, Scene},
    ways::{self, Journey, Kind},
};

macro_rules! on_every_way {
    ($($name:ident),* $(,)?) => {
        mod straight {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Kind::Straight).await; })*
        }
        mod rabbitmq {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Kind::RabbitMq).await; })*
        }
        #[cfg(feature = "gcp")]
        mod pubsub {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Kind::PubSub).await; })*
        }
    };
}
on_every_way! {
    the_order_of_an_aggregate_holds_through_refusals,
    what_is_brought_again_has_its_effect_once,
    poison_is_parked_and_what_was_sealed_comes_with_its_replay,
    a_consumer_that_panics_or_hangs_is_given_up_and_the_rest_flows,
    an_outage_of_a_function_parks_nothing,
    what_is_stopped_leaves_nothing_half_done,
    whoever_dies_at_any_moment_loses_nothing_and_doubles_nothing,
}

async fn letters(scene: &Scene) -> Vec<Value> {
    let page = scene.operator().get("/internal/dead-letters").await;
    page.expect(200).json()["items"].as_array().unwrap().clone()
}

async fn the_order_of_an_aggregate_holds_through_refusals(kind: Kind) {
    let mut scene = Scene::new().await;
    scene
        .ear()
        .moods("tickets/a", 2, &[Mood::Retry, Mood::Away, Mood::Retry]);
    scene.ear().moods("tickets/b", 1, &[Mood::Panic]);
    scene.ear().moods("tickets/b", 4, &[Mood::Away; 6]);
    let (way, _served) = kind.open(&mut scene).await;
    let journey = Journey::on(&way, &scene);
    for version in 1..=6 {
        for subject in ["tickets/a", "tickets/b", "tickets/c"] {
            scene.announce(subject, version).await;
        }
    }
    journey
        .until(&scene, "select count(*) = 18 from access.usage_events")
        .await;
    for subject in ["tickets/a", "tickets/b", "tickets/c"] {
        assert_eq!(scene.ear().versions(subject), [1, 2, 3, 4, 5, 6]);
    }
    journey.end().await;
}

async fn what_is_brought_again_has_its_effect_once(kind: Kind) {
    let mut scene = Scene::new().await;
    let (way, _served) = kind.open(&mut scene).await;
    let journey = Journey::on(&way, &scene);
    for version in 1..=5 {
        scene.announce("tickets/a", version).await;
        scene.announce("tickets/b", version).await;
    }
    journey
        .until(
            &scene,
            "select count(*) = 0 from events.outbox where published_at is null",
        )
        .await;
    // As if every relay had died before it could write down that it was done.
    sqlx::query("update events.outbox set published_at = null, next_attempt_at = occurred_at")
        .execute(&mut scene.stage.admin().await)
        .await
        .unwrap();
    // What comes behind them tells that they have been there.
    scene.announce("tickets/a", 6).await;
    scene.announce("tickets/b", 6).await;
    journey
        .until(
            &scene,
            "select count(*) = 2 from access.usage_events where quantity = 6",
        )
        .await;
    let effects = scene.effects("ear").await;
    assert_eq!(effects.len(), 12);
    assert!(effects.values().all(|count| *count == 1), "{effects:?}");
    assert_eq!(scene.ear().versions("tickets/a"), [1, 2, 3, 4, 5, 6]);
    journey.end().await;
}

async fn poison_is_parked_and_what_was_sealed_comes_with_its_replay(kind: Kind) {
    let mut scene = Scene::new().await;
    scene.ear().moods("tickets/a", 1, &[Mood::Poison; 30]);
    let (way, _served) = kind.open(&mut scene).await;
    let journey = Journey::on(&way, &scene);
    let announced = [("tickets/a".to_owned(), 1), ("tickets/a".to_owned(), 2)];
    scene
        .announce_all(scene.tenant.id, &announced, Some(b"sealed"))
        .await;
    journey
        .until(&scene, "select count(*) = 1 from access.usage_events")
        .await;
    assert_eq!(scene.ear().versions("tickets/a"), [2]);
    journey
        .until(&scene, "select count(*) = 1 from events.dead_letters")
        .await;
    let letters = letters(&scene).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["function"], "ear");
    assert_eq!(letters[0]["envelope"]["subject"], "tickets/a");
    assert!(
        !letters[0].to_string().contains("c2VhbGVk"),
        "what is sealed is not shown"
    );
    // Somebody has mended it.
    scene.ear().moods("tickets/a", 1, &[]);
    let path = format!(
        "/internal/dead-letters/{}/replay",
        letters[0]["id"].as_str().unwrap()
    );
    scene.operator().post(&path, json!({})).await.expect(202);
    journey
        .until(&scene, "select count(*) = 2 from access.usage_events")
        .await;
    assert_eq!(scene.ear().versions("tickets/a"), [2, 1]);
    let sealed = scene.ear().heard.lock().unwrap()[1].sealed.clone();
    assert_eq!(sealed.as_deref(), Some(&b"sealed"[..]));
    journey
        .until(
            &scene,
            "select count(*) = 0 from events.outbox where sealed is not null",
        )
        .await;
    journey.end().await;
}

async fn a_consumer_that_panics_or_hangs_is_given_up_and_the_rest_flows(kind: Kind) {
    let mut scene = Scene::new().await;
    scene.ear().moods("tickets/hangs", 1, &[Mood::Hang; 30]);
    scene.ear().moods("tickets/panics", 1, &[Mood::Panic; 30]);
    let (way, _served) = kind.open(&mut scene).await;
    let journey = Journey::on(&way, &scene);
    for subject in ["tickets/hangs", "tickets/panics"] {
        scene.announce(subject, 1).await;
        scene.announce(subject, 2).await;
    }
    for other in 0..30 {
        scene.announce(&format!("tickets/{other}"), 1).await;
    }
    journey
        .until(
            &scene,
            "select count(*) = 30 from access.usage_events where quantity = 1",
        )
        .await;
    assert!(
        scene.ear().versions("tickets/hangs").is_empty(),
        "the rest did not wait"
    );
    journey
        .until(
            &scene,
            "select count(*) = 2 from access.usage_events where quantity = 2",
        )
        .await;
    assert_eq!(scene.ear().versions("tickets/hangs"), [2]);
    assert_eq!(scene.ear().versions("tickets/panics"), [2]);
    let mut subjects: Vec<Value> = letters(&scene)
        .await
        .iter()
        .map(|letter| letter["envelope"]["subject"].clone())
        .collect();
    subjects.sort_by_key(ToString::to_string);
    assert_eq!(subjects, ["tickets/hangs", "tickets/panics"]);
    journey.end().await;
}

async fn an_outage_of_a_function_parks_nothing(kind: Kind) {
    let mut scene = Scene::new().await;
    let port = ways::free_port().await;
    let way = kind.lead(&mut scene, port).await;
    let journey = Journey::on(&way, &scene);
    for version in 1..=10 {
        scene.announce("tickets/a", version).await;
        scene.announce(&format!("tickets/{version}"), 1).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (_, _served) = serve_at(&scene, port).await;
    journey
        .until(&scene, "select count(*) = 20 from access.usage_events")
        .await;
    assert!(scene.ear().versions("tickets/a").is_sorted());
    assert!(letters(&scene).await.is_empty());
    journey.end().await;
}

async fn what_is_stopped_leaves_nothing_half_done(kind: Kind) {
    let mut scene = Scene::new().await;
    let (way, _served) = kind.open(&mut scene).await;
    for version in 1..=4 {
        for subject in 0..25 {
            scene.announce(&format!("tickets/{subject}"), version).await;
        }
        let journey = Journey::on(&way, &scene);
        tokio::time::sleep(Duration::from_millis(300)).await;
        journey.end().await;
    }
    let journey = Journey::on(&way, &scene);
    journey
        .until(&scene, "select count(*) = 100 from access.usage_events")
        .await;
    for subject in 0..25 {
        let versions = scene.ear().versions(&format!("tickets/{subject}"));
        assert_eq!(versions, [1, 2, 3, 4]);
    }
    assert!(letters(&scene).await.is_empty());
    journey.end().await;
}

/// How often somebody dies: 200 times in the whole proof, less in CI.
fn deaths() -> i64 {
    let wanted = web::settings::environment("DEATHS");
    wanted.and_then(|text| text.parse().ok()).unwrap_or(12)
}

async fn whoever_dies_at_any_moment_loses_nothing_and_doubles_nothing(kind: Kind) {
    let mut scene = Scene::new().await;
    let (way, _served) = kind.open(&mut scene).await;
    let subjects = ["tickets/a", "tickets/b", "tickets/c"];
    for version in 1..=deaths() {
        for subject in subjects {
            scene.announce(subject, version).await;
        }
        let journey = Journey::on(&way, &scene);
        journey.nudge();
        // Each time a little later: before the claim, while it is handed over, before that is written down.
        let life = Duration::from_millis(7 * version.unsigned_abs() % 90);
        tokio::time::sleep(life).await;
        journey.kill().await;
        // What the dead one had claimed is free again.
        scene.clock().advance(Duration::from_secs(61));
    }
    let journey = Journey::on(&way, &scene);
    journey
        .until(
            &scene,
            "select count(*) = 0 from events.outbox where published_at is null",
        )
        .await;
    journey
        .until(
            &scene,
            "select count(*) >= (select count(*) from events.outbox) from access.usage_events",
        )
        .await;
    let effects = scene.effects("ear").await;
    assert!(effects.values().all(|count| *count == 1), "{effects:?}");
    let all: Vec<i64> = (1..=deaths()).collect();
    for subject in subjects {
        assert_eq!(scene.ear().versions(subject), all);
    }
    assert!(letters(&scene).await.is_empty());
    journey.end().await;
}

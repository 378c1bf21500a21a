//! What only RabbitMQ can do to us: go away, be taken over, give up a message.

use std::{collections::BTreeMap, time::Duration};

use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::BasicPublishOptions,
    types::{AMQPValue, FieldTable},
};
use testkit::Broker;

use crate::{
    process::serve_at,
    scene::{Mood, Scene},
    ways::Journey,
};

/// How long the broker is away: a minute in the whole proof, less in CI.
fn absence() -> Duration {
    let seconds = web::settings::environment("BROKER_AWAY_SECONDS");
    Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(3))
}

fn expected(subjects: i64, versions: i64) -> BTreeMap<(String, i64), i64> {
    let all = (0..subjects).flat_map(|subject| {
        (1..=versions).map(move |version| (format!("tickets/{subject}"), version))
    });
    all.map(|one| (one, 1)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_is_away_changes_go_on_and_all_is_delivered_after() {
    let scene = Scene::new().await;
    let (url, _served) = serve_at(&scene, 0).await;
    let broker = Broker::alone().await;
    let mut journey = Journey::new();
    journey.over(&scene, &broker.url(), &url);
    let announce = async |versions: std::ops::RangeInclusive<i64>, pause: Duration| {
        for version in versions {
            for subject in 0..10 {
                scene.announce(&format!("tickets/{subject}"), version).await;
            }
            journey.nudge();
            scene.clock().advance(pause);
            tokio::time::sleep(pause).await;
        }
    };
    announce(1..=10, Duration::from_millis(20)).await;
    let broker = broker.stop().await;
    announce(11..=40, absence() / 30).await;
    let waiting = scene.waiting().await;
    assert!(waiting > 0, "nobody could take them over");
    let broker = broker.resume().await;
    announce(41..=50, Duration::from_millis(20)).await;
    journey
        .until(&scene, "select count(*) >= 500 from access.usage_events")
        .await;
    assert_eq!(scene.effects("ear").await, expected(10, 50));
    for subject in 0..10 {
        let versions = scene.ear().versions(&format!("tickets/{subject}"));
        assert!(versions.is_sorted(), "{versions:?}");
    }
    let parked: i64 = sqlx::query_scalar("select count(*) from events.dead_letters")
        .fetch_one(&mut scene.stage.admin().await)
        .await
        .unwrap();
    assert_eq!(parked, 0);
    journey.end().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_holds_survives_it() {
    let scene = Scene::new().await;
    let broker = Broker::alone().await;
    let mut journey = Journey::new();
    journey.relay(
        &scene,
        relay::Rabbit::new(relay::Broker::new(&broker.url(), ["ear"])),
    );
    for version in 1..=30 {
        scene.announce("tickets/0", version).await;
    }
    // All are handed over, and nobody has brought one yet.
    journey
        .until(
            &scene,
            "select count(*) = 0 from events.outbox where published_at is null",
        )
        .await;
    journey.end().await;
    let broker = broker.stop().await.resume().await;
    let (url, _served) = serve_at(&scene, 0).await;
    let mut journey = Journey::new();
    journey.carrier(&scene, &broker.url(), &url, 100);
    journey
        .until(&scene, "select count(*) = 30 from access.usage_events")
        .await;
    assert!(scene.ear().versions("tickets/0").is_sorted());
    journey.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_relay_takes_over_where_one_dies_and_order_holds() {
    let scene = Scene::new().await;
    let (url, _served) = serve_at(&scene, 0).await;
    let broker = Broker::virtual_host().await;
    let mut journey = Journey::new();
    journey.over(&scene, &broker, &url);
    for version in 1..=40 {
        for subject in 0..5 {
            scene.announce(&format!("tickets/{subject}"), version).await;
        }
        journey.nudge();
        if version % 8 == 0 {
            // A new one waits already when all others die in the middle of something.
            let others = std::mem::replace(&mut journey, Journey::new());
            journey.over(&scene, &broker, &url);
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(others);
            // Their leases end.
            scene.clock().advance(Duration::from_secs(61));
        }
    }
    journey
        .until(&scene, "select count(*) >= 200 from access.usage_events")
        .await;
    assert_eq!(scene.effects("ear").await, expected(5, 40));
    for subject in 0..5 {
        let versions = scene.ear().versions(&format!("tickets/{subject}"));
        assert!(versions.is_sorted(), "{versions:?}");
    }
    journey.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_behind_one_that_is_refused_do_not_stop_the_others() {
    let scene = Scene::new().await;
    let (url, _served) = serve_at(&scene, 0).await;
    let broker = Broker::virtual_host().await;
    let mut journey = Journey::new();
    let rabbit = relay::Rabbit::new(relay::Broker::new(&broker, ["ear"]));
    journey.relay(&scene, rabbit);
    // Four places, and five that are refused for longer than this test lasts.
    let url = url.as_str();
    let slow = relay::Limits {
        backoff: relay::Backoff::default(),
        refusals: 1_000,
        ..crate::ways::LIMITS
    };
    let carrier = relay::Carrier::new(
        relay::Broker::new(&broker, ["ear"]),
        crate::process::http(&scene, url),
        scene.relays.clone(),
        scene.clock().clone(),
    );
    journey
        .tasks
        .spawn(carrier.with_limits(slow, 4).run(std::future::pending()));
    for n in 0..5 {
        let subject = format!("tickets/refused-{n}");
        scene.ear().moods(&subject, 1, &[Mood::Retry; 1_000]);
        scene.announce(&subject, 1).await;
    }
    scene.announce("tickets/0", 1).await;
    journey
        .until(&scene, "select count(*) = 1 from access.usage_events")
        .await;
    let parked: i64 = sqlx::query_scalar("select count(*) from events.dead_letters")
        .fetch_one(&mut scene.stage.admin().await)
        .await
        .unwrap();
    assert!((1..=5).contains(&parked), "{parked} made room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_gives_up_is_a_dead_letter_like_any_other() {
    let scene = Scene::new().await;
    let (url, _served) = serve_at(&scene, 0).await;
    let broker = Broker::virtual_host().await;
    let mut journey = Journey::new();
    journey.over(&scene, &broker, &url);
    scene.announce("tickets/0", 1).await;
    journey
        .until(&scene, "select count(*) = 1 from access.usage_events")
        .await;
    let event = scene.ear().heard.lock().unwrap()[0].clone();
    let named = ConnectionProperties::default();
    let connection = Connection::connect(broker.expose(), named).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut headers = FieldTable::default();
    let died_in = AMQPValue::LongString("revalenz.events.ear".into());
    headers.insert("x-first-death-queue".into(), died_in);
    // Something else first, which is nobody's letter and stops nothing.
    for body in ["{\"no\": \"event\"}".to_owned(), event.to_json()] {
        let properties = BasicProperties::default().with_headers(headers.clone());
        let options = BasicPublishOptions::default();
        let sent = channel.basic_publish(
            "revalenz.dead".into(),
            "".into(),
            options,
            body.as_bytes(),
            properties.clone(),
        );
        sent.await.unwrap().await.unwrap();
        let to_the_function = channel.basic_publish(
            "".into(),
            "revalenz.events.ear".into(),
            options,
            b"neither",
            properties,
        );
        to_the_function.await.unwrap().await.unwrap();
    }
    journey
        .until(&scene, "select count(*) = 1 from events.dead_letters")
        .await;
    let page = scene.operator().get("/internal/dead-letters").await;
    let letter = page.expect(200).json()["items"][0].clone();
    assert_eq!(letter["function"], "ear");
    assert_eq!(
        letter["reason"],
        "the bus gave it up: every relay that had it died"
    );
    scene.announce("tickets/0", 2).await;
    journey
        .until(&scene, "select count(*) = 2 from access.usage_events")
        .await;
    journey.end().await;
}

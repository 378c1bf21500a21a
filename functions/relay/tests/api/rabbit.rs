//! Failures specific to RabbitMQ: outages, takeovers, and messages that the broker dead-letters.

use std::{collections::BTreeMap, time::Duration};

use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::BasicPublishOptions,
    types::{AMQPValue, FieldTable},
};
use testkit::Broker;

use crate::{
    harness::{Fault, RelayHarness},
    process::serve_at,
    transports::RunningRelay,
};

/// Length of the broker outage: `BROKER_AWAY_SECONDS`, short by default.
fn outage_duration() -> Duration {
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
async fn announcements_wait_in_the_outbox_during_a_broker_outage() {
    let harness = RelayHarness::new().await;
    let (url, _served) = serve_at(&harness, 0).await;
    let broker = Broker::dedicated().await;
    let mut running = RunningRelay::new();
    running.spawn_rabbitmq(&harness, &broker.url(), &url);
    let announce = async |versions: std::ops::RangeInclusive<i64>, pause: Duration| {
        for version in versions {
            for subject in 0..10 {
                harness
                    .announce(&format!("tickets/{subject}"), version)
                    .await;
            }
            running.nudge();
            harness.clock().advance(pause);
            tokio::time::sleep(pause).await;
        }
    };
    announce(1..=10, Duration::from_millis(20)).await;
    let broker = broker.stop().await;
    announce(11..=40, outage_duration() / 30).await;
    let waiting = harness.count_unpublished().await;
    assert!(waiting > 0, "nothing can be published during the outage");
    let broker = broker.resume().await;
    announce(41..=50, Duration::from_millis(20)).await;
    running
        .wait_until(&harness, "select count(*) >= 500 from access.usage_events")
        .await;
    assert_eq!(harness.effects("listener").await, expected(10, 50));
    for subject in 0..10 {
        let versions = harness.listener().versions(&format!("tickets/{subject}"));
        assert!(versions.is_sorted(), "{versions:?}");
    }
    let parked: i64 = sqlx::query_scalar("select count(*) from events.dead_letters")
        .fetch_one(&mut harness.app.admin().await)
        .await
        .unwrap();
    assert_eq!(parked, 0);
    running.stop().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_messages_survive_a_broker_restart() {
    let harness = RelayHarness::new().await;
    let broker = Broker::dedicated().await;
    let mut running = RunningRelay::new();
    running.spawn_dispatcher(
        &harness,
        relay::Rabbit::new(relay::Broker::new(&broker.url(), ["listener"])),
    );
    for version in 1..=30 {
        harness.announce("tickets/0", version).await;
    }
    // All are published to the broker and none is consumed yet.
    running
        .wait_until(
            &harness,
            "select count(*) = 0 from events.outbox where published_at is null",
        )
        .await;
    running.stop().await;
    let broker = broker.stop().await.resume().await;
    let (url, _served) = serve_at(&harness, 0).await;
    let mut running = RunningRelay::new();
    running.spawn_consumer(&harness, &broker.url(), &url, 100);
    running
        .wait_until(&harness, "select count(*) = 30 from access.usage_events")
        .await;
    assert!(harness.listener().versions("tickets/0").is_sorted());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_relay_takes_over_after_a_crash_and_order_holds() {
    let harness = RelayHarness::new().await;
    let (url, _served) = serve_at(&harness, 0).await;
    let broker = Broker::virtual_host().await;
    let mut running = RunningRelay::new();
    running.spawn_rabbitmq(&harness, &broker, &url);
    for version in 1..=40 {
        for subject in 0..5 {
            harness
                .announce(&format!("tickets/{subject}"), version)
                .await;
        }
        running.nudge();
        if version % 8 == 0 {
            // A new relay is already running when all others crash.
            let others = std::mem::replace(&mut running, RunningRelay::new());
            running.spawn_rabbitmq(&harness, &broker, &url);
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(others);
            // Their leases expire.
            harness.clock().advance(Duration::from_secs(61));
        }
    }
    running
        .wait_until(&harness, "select count(*) >= 200 from access.usage_events")
        .await;
    assert_eq!(harness.effects("listener").await, expected(5, 40));
    for subject in 0..5 {
        let versions = harness.listener().versions(&format!("tickets/{subject}"));
        assert!(versions.is_sorted(), "{versions:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prefetch_window_full_of_refused_messages_does_not_block_others() {
    let harness = RelayHarness::new().await;
    let (url, _served) = serve_at(&harness, 0).await;
    let broker = Broker::virtual_host().await;
    let mut running = RunningRelay::new();
    let rabbit = relay::Rabbit::new(relay::Broker::new(&broker, ["listener"]));
    running.spawn_dispatcher(&harness, rabbit);
    // Five messages that are refused for longer than this test runs, and behind them in the queue one that is accepted. The
    // dispatcher publishes different subjects in parallel, so the last one is announced when the others are in the queue.
    let published = "select count(*) = 0 from events.outbox where published_at is null";
    for n in 0..5 {
        let subject = format!("tickets/refused-{n}");
        harness
            .listener()
            .inject_faults(&subject, 1, &[Fault::Retry; 1_000]);
        harness.announce(&subject, 1).await;
    }
    running.wait_until(&harness, published).await;
    harness.announce("tickets/0", 1).await;
    running.wait_until(&harness, published).await;
    // With a prefetch of four, the last message is received once two of the others are parked.
    let slow = relay::Limits {
        backoff: relay::Backoff::default(),
        refusals: 1_000,
        ..crate::transports::LIMITS
    };
    let consumer = relay::RabbitConsumer::new(
        relay::Broker::new(&broker, ["listener"]),
        crate::process::http(&harness, &url),
        harness.relay_db.clone(),
        harness.clock().clone(),
    );
    running
        .tasks
        .spawn(consumer.with_limits(slow, 4).run(std::future::pending()));
    running
        .wait_until(&harness, "select count(*) = 1 from access.usage_events")
        .await;
    let parked: i64 = sqlx::query_scalar("select count(*) from events.dead_letters")
        .fetch_one(&mut harness.app.admin().await)
        .await
        .unwrap();
    assert!((2..=5).contains(&parked), "{parked} were parked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_broker_dead_letters_is_listed() {
    let harness = RelayHarness::new().await;
    let (url, _served) = serve_at(&harness, 0).await;
    let broker = Broker::virtual_host().await;
    let mut running = RunningRelay::new();
    running.spawn_rabbitmq(&harness, &broker, &url);
    harness.announce("tickets/0", 1).await;
    running
        .wait_until(&harness, "select count(*) = 1 from access.usage_events")
        .await;
    let event = harness.listener().received.lock().unwrap()[0].clone();
    let named = ConnectionProperties::default();
    let connection = Connection::connect(broker.expose(), named).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut headers = FieldTable::default();
    let first_death_queue = AMQPValue::LongString("revalenz.events.listener".into());
    headers.insert("x-first-death-queue".into(), first_death_queue);
    // A message that is not an event comes first; it is discarded and blocks nothing.
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
            "revalenz.events.listener".into(),
            options,
            b"not an event",
            properties,
        );
        to_the_function.await.unwrap().await.unwrap();
    }
    running
        .wait_until(&harness, "select count(*) = 1 from events.dead_letters")
        .await;
    let page = harness.operator().get("/internal/dead-letters").await;
    let letter = page.expect(200).json()["items"][0].clone();
    assert_eq!(letter["function"], "listener");
    assert_eq!(
        letter["reason"],
        "the broker reached its delivery limit: every relay that received the event crashed"
    );
    harness.announce("tickets/0", 2).await;
    running
        .wait_until(&harness, "select count(*) = 2 from access.usage_events")
        .await;
    running.stop().await;
}

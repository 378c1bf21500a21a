//! The relay as it runs: between processes, woken, stopped.

use std::{collections::BTreeMap, time::Duration};

use relay::{Delivery, Http, Transport};
use tokio::{net::TcpListener, sync::oneshot};
use web::edge::{self, Edge};

use crate::scene::{Mood, Scene, forged};

/// The function behind a port of its own, until the sender is dropped.
async fn serve(scene: &Scene) -> (String, oneshot::Sender<()>) {
    serve_at(scene, 0).await
}

/// The same at this port, beside the relay's own doors.
pub(crate) async fn serve_at(scene: &Scene, port: u16) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = edge::wrap(
        scene
            .internal("ear")
            .merge(web::service::compose([&relay::service(
                scene.relays.clone(),
                scene.gate.clone(),
            )])),
        Edge {
            clock: scene.clock().clone(),
            trusted_proxies: 0,
        },
    );
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(web::server::serve(listener, router, async {
        drop(stopped.await);
    }));
    (url, stop)
}

/// Waits until the database says yes, over one connection: making one takes long enough to slow down what is waited for.
async fn eventually(scene: &Scene, question: &'static str) {
    let mut admin = scene.stage.admin().await;
    for _ in 0..2_000 {
        if sqlx::query_scalar(question)
            .fetch_one(&mut admin)
            .await
            .unwrap()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        // So that what was refused for a moment comes again.
        scene.clock().advance(Duration::from_millis(20));
    }
    panic!("never: {question}");
}

pub(crate) fn http(scene: &Scene, url: &str) -> Http {
    let urls = BTreeMap::from([("ear".to_owned(), url.to_owned())]);
    Http::new(urls, scene.stage.gate.internal_auth()).unwrap()
}

#[tokio::test]
async fn events_travel_between_processes() {
    let scene = Scene::new().await;
    let (url, _stop) = serve(&scene).await;
    scene.ear().moods("tickets/a", 1, &[Mood::Retry]);
    scene.announce("tickets/a", 1).await;
    scene.announce("tickets/b", 1).await;
    let relay = scene.relay_with(http(&scene, &url));
    relay.run_dry().await.unwrap();
    assert_eq!(scene.effects("ear").await.len(), 1);
    let failure: String =
        sqlx::query_scalar("select failure from events.outbox where published_at is null")
            .fetch_one(&mut scene.stage.admin().await)
            .await
            .unwrap();
    assert_eq!(failure, "ear: ear.notes: not now");
    scene.clock().advance(Duration::from_secs(1));
    relay.run_dry().await.unwrap();
    assert_eq!(scene.effects("ear").await.len(), 2);
}

#[tokio::test]
async fn a_function_that_is_away_or_knows_another_secret_is_unreachable() {
    let scene = Scene::new().await;
    let (url, _stop) = serve(&scene).await;
    scene.announce("tickets/a", 1).await;
    let urls = BTreeMap::from([("ear".to_owned(), url)]);
    let other_secret = Http::new(urls, &forged()).unwrap();
    for transport in [http(&scene, "http://127.0.0.1:1"), other_secret] {
        let relay = scene.relay_with(transport);
        assert_eq!(relay.run_dry().await.unwrap(), 1);
        scene.clock().advance(Duration::from_mins(1));
    }
    let (refusals, failure): (i32, String) =
        sqlx::query_as("select refusals, failure from events.outbox")
            .fetch_one(&mut scene.stage.admin().await)
            .await
            .unwrap();
    assert_eq!(
        (refusals, failure.as_str()),
        (0, "ear: answered 401 unauthenticated")
    );
}

#[tokio::test]
async fn a_nudged_relay_is_faster_than_its_poll_and_stops_when_told() {
    let scene = Scene::new().await;
    let relay = scene.relay();
    let nudge = relay.nudge();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(relay.run(async {
        drop(stopped.await);
    }));
    // Its first look is over by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = std::time::Instant::now();
    scene.announce("tickets/a", 1).await;
    nudge.nudge();
    eventually(&scene, "select count(*) = 1 from access.usage_events").await;
    assert!(began.elapsed() < Duration::from_millis(900), "{began:?}");
    // And without a nudge it looks by itself.
    scene.announce("tickets/a", 2).await;
    eventually(&scene, "select count(*) = 2 from access.usage_events").await;
    drop(stop);
    tokio::time::timeout(Duration::from_secs(5), running)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(scene.waiting().await, 0);
}

#[tokio::test]
async fn what_is_under_way_when_it_is_stopped_comes_to_its_end() {
    /// Takes its time.
    struct Slow<T>(T);
    impl<T: Transport> Transport for Slow<T> {
        async fn deliver(&self, function: &str, event: &events::Envelope, n: i32) -> Delivery {
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.0.deliver(function, event, n).await
        }
    }
    let scene = Scene::new().await;
    scene.announce("tickets/a", 1).await;
    scene.announce("tickets/a", 2).await;
    let relay = scene.relay_with(Slow(scene.transport()));
    relay
        .run(tokio::time::sleep(Duration::from_millis(300)))
        .await;
    assert_eq!(scene.ear().versions("tickets/a"), [1]);
    assert_eq!(scene.waiting().await, 1, "the second was not begun");
}

#[tokio::test]
async fn many_events_flow_through_a_running_relay() {
    let scene = Scene::new().await;
    let all: Vec<(String, i64)> = (0..1_000)
        .map(|n| (format!("tickets/{}", n % 50), n))
        .collect();
    scene.announce_all(scene.tenant.id, &all, None).await;
    for n in (0..1_000).step_by(97) {
        scene
            .ear()
            .moods(&format!("tickets/{}", n % 50), n, &[Mood::Poison]);
    }
    let relays = (0..2).map(|_| {
        let stop = tokio::time::sleep(Duration::from_mins(1));
        tokio::spawn(scene.relay().run(stop))
    });
    let relays: Vec<_> = relays.collect();
    eventually(
        &scene,
        "select count(*) = 0 from events.outbox where published_at is null",
    )
    .await;
    for relay in relays {
        relay.abort();
    }
    let effects = scene.effects("ear").await;
    assert_eq!(effects.len(), 1_000 - 11);
    assert!(effects.values().all(|count| *count == 1));
    for aggregate in 0..50 {
        let versions = scene.ear().versions(&format!("tickets/{aggregate}"));
        assert!(versions.is_sorted(), "{aggregate}: {versions:?}");
    }
}

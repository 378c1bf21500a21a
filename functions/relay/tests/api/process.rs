//! The running dispatcher: between processes, nudged, stopped.

use std::{collections::BTreeMap, time::Duration};

use relay::{DeliveryOutcome, Http, Transport};
use tokio::{net::TcpListener, sync::oneshot};
use web::edge::{self, Edge};

use crate::harness::{Fault, RelayHarness, wrong_secret};

/// Serves the function on a free port until the sender is dropped.
async fn serve(harness: &RelayHarness) -> (String, oneshot::Sender<()>) {
    serve_at(harness, 0).await
}

/// Serves the function on this port, together with the relay's own endpoints.
pub(crate) async fn serve_at(harness: &RelayHarness, port: u16) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = edge::wrap(
        harness
            .internal("listener")
            .merge(web::service::compose([&relay::service(
                harness.relay_db.clone(),
                harness.state.clone(),
            )])),
        Edge {
            clock: harness.clock().clone(),
            trusted_proxies: 0,
        },
    );
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(web::server::serve(listener, router, async {
        drop(stopped.await);
    }));
    (url, stop)
}

/// Waits until the query returns true. Uses one connection, because connecting repeatedly would slow down the relay.
async fn eventually(harness: &RelayHarness, condition: &'static str) {
    let mut admin = harness.app.admin().await;
    for _ in 0..2_000 {
        if sqlx::query_scalar(condition)
            .fetch_one(&mut admin)
            .await
            .unwrap()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Makes refused events due again.
        harness.clock().advance(Duration::from_millis(20));
    }
    panic!("never: {condition}");
}

pub(crate) fn http(harness: &RelayHarness, url: &str) -> Http {
    let urls = BTreeMap::from([("listener".to_owned(), url.to_owned())]);
    Http::new(urls, harness.app.state.internal_auth()).unwrap()
}

#[tokio::test]
async fn events_are_delivered_between_processes() {
    let harness = RelayHarness::new().await;
    let (url, _stop) = serve(&harness).await;
    harness
        .listener()
        .inject_faults("tickets/a", 1, &[Fault::Retry]);
    harness.announce("tickets/a", 1).await;
    harness.announce("tickets/b", 1).await;
    let relay = harness.dispatcher_with(http(&harness, &url));
    relay.run_until_idle().await.unwrap();
    assert_eq!(harness.effects("listener").await.len(), 1);
    let failure: String =
        sqlx::query_scalar("select failure from events.outbox where published_at is null")
            .fetch_one(&mut harness.app.admin().await)
            .await
            .unwrap();
    assert_eq!(failure, "listener: listener.notes: not now");
    harness.clock().advance(Duration::from_secs(1));
    relay.run_until_idle().await.unwrap();
    assert_eq!(harness.effects("listener").await.len(), 2);
}

#[tokio::test]
async fn a_function_that_is_down_or_has_another_secret_is_unreachable() {
    let harness = RelayHarness::new().await;
    let (url, _stop) = serve(&harness).await;
    harness.announce("tickets/a", 1).await;
    let urls = BTreeMap::from([("listener".to_owned(), url)]);
    let other_secret = Http::new(urls, &wrong_secret()).unwrap();
    for transport in [http(&harness, "http://127.0.0.1:1"), other_secret] {
        let relay = harness.dispatcher_with(transport);
        assert_eq!(relay.run_until_idle().await.unwrap(), 1);
        harness.clock().advance(Duration::from_mins(1));
    }
    let (refusals, failure): (i32, String) =
        sqlx::query_as("select refusals, failure from events.outbox")
            .fetch_one(&mut harness.app.admin().await)
            .await
            .unwrap();
    assert_eq!(
        (refusals, failure.as_str()),
        (0, "listener: responded 401 unauthenticated")
    );
}

#[tokio::test]
async fn a_nudge_is_faster_than_the_poll_interval_and_stop_ends_the_dispatcher() {
    let harness = RelayHarness::new().await;
    let relay = harness.dispatcher();
    let nudge = relay.nudge();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(relay.run(async {
        drop(stopped.await);
    }));
    // The first poll is over by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = std::time::Instant::now();
    harness.announce("tickets/a", 1).await;
    nudge.nudge();
    eventually(&harness, "select count(*) = 1 from access.usage_events").await;
    assert!(began.elapsed() < Duration::from_millis(900), "{began:?}");
    // Without a nudge, it polls.
    harness.announce("tickets/a", 2).await;
    eventually(&harness, "select count(*) = 2 from access.usage_events").await;
    drop(stop);
    tokio::time::timeout(Duration::from_secs(5), running)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(harness.count_unpublished().await, 0);
}

#[tokio::test]
async fn deliveries_in_flight_finish_after_a_stop() {
    /// Delays each delivery.
    struct Slow<T>(T);
    impl<T: Transport> Transport for Slow<T> {
        async fn deliver(
            &self,
            function: &str,
            event: &events::Envelope,
            n: i32,
        ) -> DeliveryOutcome {
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.0.deliver(function, event, n).await
        }
    }
    let harness = RelayHarness::new().await;
    harness.announce("tickets/a", 1).await;
    harness.announce("tickets/a", 2).await;
    let relay = harness.dispatcher_with(Slow(harness.transport()));
    relay
        .run(tokio::time::sleep(Duration::from_millis(300)))
        .await;
    assert_eq!(harness.listener().versions("tickets/a"), [1]);
    assert_eq!(
        harness.count_unpublished().await,
        1,
        "the second delivery was not started"
    );
}

#[tokio::test]
async fn two_running_dispatchers_deliver_many_events_in_order() {
    let harness = RelayHarness::new().await;
    let all: Vec<(String, i64)> = (0..1_000)
        .map(|n| (format!("tickets/{}", n % 50), n))
        .collect();
    harness.announce_all(harness.tenant.id, &all, None).await;
    for n in (0..1_000).step_by(97) {
        harness
            .listener()
            .inject_faults(&format!("tickets/{}", n % 50), n, &[Fault::Poison]);
    }
    let dispatchers = (0..2).map(|_| {
        let stop = tokio::time::sleep(Duration::from_mins(1));
        tokio::spawn(harness.dispatcher().run(stop))
    });
    let dispatchers: Vec<_> = dispatchers.collect();
    eventually(
        &harness,
        "select count(*) = 0 from events.outbox where published_at is null",
    )
    .await;
    for dispatcher in dispatchers {
        dispatcher.abort();
    }
    let effects = harness.effects("listener").await;
    assert_eq!(effects.len(), 1_000 - 11);
    assert!(effects.values().all(|count| *count == 1));
    for aggregate in 0..50 {
        let versions = harness.listener().versions(&format!("tickets/{aggregate}"));
        assert!(versions.is_sorted(), "{aggregate}: {versions:?}");
    }
}

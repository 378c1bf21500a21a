//! A relay that dies loses nothing and doubles nothing.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use events::Envelope;
use relay::{Delivery, Transport};
use tokio::sync::Notify;

use crate::scene::{Counting, Scene};

/// Carries, or not, and then never comes back.
struct Deadly {
    inner: Counting,
    carries: bool,
}

impl Transport for Deadly {
    async fn deliver(&self, function: &str, event: &Envelope, attempt: i32) -> Delivery {
        if self.carries {
            self.inner.deliver(function, event, attempt).await;
        }
        std::future::pending().await
    }
}

/// Answers only once somebody else has had time to do everything.
struct Late(Arc<Notify>);

impl Transport for Late {
    async fn deliver(&self, _: &str, _: &Envelope, _: i32) -> Delivery {
        self.0.notified().await;
        Delivery::Retry("too late".to_owned())
    }
}

async fn killed(carries: bool) -> Scene {
    let scene = Scene::new().await;
    for version in 1..=3 {
        scene.announce("tickets/a", version).await;
    }
    let relay = scene.relay_with(Deadly {
        inner: scene.transport(),
        carries,
    });
    // Its future is dropped between claim and settlement.
    let died = tokio::time::timeout(Duration::from_millis(500), relay.run_once()).await;
    assert!(died.is_err());
    scene
}

#[tokio::test]
async fn killed_before_the_delivery_nothing_is_lost() {
    let scene = killed(false).await;
    assert_eq!(
        scene.relay().run_dry().await.unwrap(),
        0,
        "the lease still holds"
    );
    scene.clock().advance(Duration::from_secs(61));
    assert_eq!(scene.relay().run_dry().await.unwrap(), 3);
    assert_eq!(scene.ear().versions("tickets/a"), [1, 2, 3]);
}

#[tokio::test]
async fn killed_after_the_delivery_nothing_is_doubled() {
    let scene = killed(true).await;
    assert_eq!(scene.ear().versions("tickets/a"), [1]);
    scene.clock().advance(Duration::from_secs(61));
    scene.relay().run_dry().await.unwrap();
    assert_eq!(scene.carried.load(Ordering::SeqCst), 4);
    assert_eq!(scene.ear().versions("tickets/a"), [1, 2, 3]);
    assert!(scene.effects("ear").await.values().all(|count| *count == 1));
    assert_eq!(scene.waiting().await, 0);
}

#[tokio::test]
async fn a_relay_that_comes_back_late_does_not_undo_what_another_has_done() {
    let scene = Scene::new().await;
    scene.announce("tickets/a", 1).await;
    let answer = Arc::new(Notify::new());
    let slow = tokio::spawn({
        let relay = scene.relay_with(Late(answer.clone()));
        async move { relay.run_once().await }
    });
    while scene.relay().run_once().await.unwrap() == 0 && !slow.is_finished() {
        let claimed: i32 = sqlx::query_scalar("select attempts from events.outbox")
            .fetch_one(&mut scene.stage.admin().await)
            .await
            .unwrap();
        if claimed == 1 {
            scene.clock().advance(Duration::from_secs(61));
        }
    }
    answer.notify_one();
    slow.await.unwrap().unwrap();
    let (published, failure): (bool, Option<String>) =
        sqlx::query_as("select published_at is not null, failure from events.outbox")
            .fetch_one(&mut scene.stage.admin().await)
            .await
            .unwrap();
    assert_eq!((published, failure), (true, None));
}

//! The ways on which announcements travel, each at work.

use std::time::Duration;

use relay::{Backoff, Broker, Carrier, Limits, Nudge, Rabbit, Transport};
use tokio::{
    sync::{oneshot, watch},
    task::{AbortHandle, JoinSet},
};
use web::settings::Hidden;

use crate::{
    process::{http, serve_at},
    scene::Scene,
};

/// One of them.
#[derive(Debug)]
pub(crate) enum Way {
    Straight,
    /// Over the broker at this address.
    RabbitMq(Hidden),
}

impl Way {
    pub(crate) async fn rabbitmq() -> Self {
        Self::RabbitMq(testkit::Broker::virtual_host().await)
    }
}

/// Gives up after three refusals, in a hurry.
pub(crate) const LIMITS: Limits = Limits {
    in_flight: 8,
    refusals: 3,
    lease: Duration::from_mins(1),
    backoff: Backoff {
        first: Duration::from_millis(20),
        factor: 2,
        longest: Duration::from_millis(100),
    },
};

/// Everything between the outbox and the listener of a scene; it ends with this.
pub(crate) struct Journey {
    stop: watch::Sender<bool>,
    pub(crate) tasks: JoinSet<()>,
    nudges: Vec<Nudge>,
}

impl Journey {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            stop: watch::channel(false).0,
            tasks: JoinSet::new(),
            nudges: Vec::new(),
        }
    }

    fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.subscribe();
        async move { drop(stop.wait_for(|stop| *stop).await) }
    }

    /// The whole way to a listener behind this address.
    pub(crate) fn to(way: &Way, scene: &Scene, url: &str) -> Self {
        let mut journey = Self::new();
        match way {
            Way::Straight => journey.relay(scene, http(scene, url)),
            Way::RabbitMq(broker) => journey.over(scene, broker, url),
        }
        journey
    }

    /// Over this broker.
    pub(crate) fn over(&mut self, scene: &Scene, broker: &Hidden, url: &str) {
        self.relay(scene, Rabbit::new(Broker::new(broker, ["ear"])));
        self.carrier(scene, broker, url, 100);
    }

    /// What claims and hands on.
    pub(crate) fn relay<T: Transport>(&mut self, scene: &Scene, transport: T) {
        let relay = scene.relay_with(transport).with_limits(LIMITS);
        self.nudges.push(relay.nudge());
        self.tasks.spawn(relay.run(self.stopped()));
    }

    /// What brings what the broker holds; it holds so many messages itself.
    pub(crate) fn carrier(
        &mut self,
        scene: &Scene,
        broker: &Hidden,
        url: &str,
        held: u16,
    ) -> AbortHandle {
        let broker = Broker::new(broker, ["ear"]);
        let (db, clock) = (scene.relays.clone(), scene.clock().clone());
        let carrier = Carrier::new(broker, http(scene, url), db, clock).with_limits(LIMITS, held);
        self.tasks.spawn(carrier.run(self.stopped()))
    }

    /// Waits until the database says yes, while time goes by.
    pub(crate) async fn until(&self, scene: &Scene, question: &'static str) {
        let mut admin = scene.stage.admin().await;
        for _ in 0..6_000 {
            let yes = sqlx::query_scalar(question).fetch_one(&mut admin).await;
            if yes.unwrap() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            scene.clock().advance(Duration::from_millis(20));
            self.nudge();
        }
        panic!("never: {question}");
    }

    pub(crate) fn nudge(&self) {
        for nudge in &self.nudges {
            nudge.nudge();
        }
    }

    /// Stops it as a signal does, and waits for its end.
    pub(crate) async fn end(mut self) {
        self.stop.send_replace(true);
        while let Some(task) = self.tasks.join_next().await {
            task.unwrap();
        }
    }
}

/// A listener behind a port, and the whole way to it.
pub(crate) async fn begin(way: &Way, scene: &Scene) -> (Journey, oneshot::Sender<()>) {
    let (url, served) = serve_at(scene, 0).await;
    (Journey::to(way, scene, &url), served)
}

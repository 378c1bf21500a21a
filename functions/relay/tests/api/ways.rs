//! The ways on which announcements travel, each at work.

use std::time::Duration;

use relay::{Backoff, Broker, Carrier, Limits, Nudge, Rabbit, Transport};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::{AbortHandle, JoinSet},
};
use web::settings::Hidden;

use crate::{
    process::{http, serve_at},
    scene::Scene,
};

/// What leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Straight,
    RabbitMq,
    #[cfg(feature = "gcp")]
    PubSub,
}

/// One that is laid, to a listener behind an address.
pub(crate) enum Way {
    Straight(String),
    /// Over the broker at this address.
    RabbitMq(Hidden, String),
    #[cfg(feature = "gcp")]
    PubSub(testkit::fake_pubsub::FakePubSub),
}

impl Kind {
    /// To a listener that will be at this port of this machine.
    #[cfg_attr(
        not(feature = "gcp"),
        expect(
            unused_variables,
            reason = "only Google must be made known to the scene"
        )
    )]
    pub(crate) async fn lead(self, scene: &mut Scene, port: u16) -> Way {
        let url = format!("http://127.0.0.1:{port}");
        match self {
            Self::Straight => Way::Straight(url),
            Self::RabbitMq => Way::RabbitMq(testkit::Broker::virtual_host().await, url),
            #[cfg(feature = "gcp")]
            Self::PubSub => Way::PubSub(pubsub::lead(scene, &url).await),
        }
    }

    /// The same, and the listener is there.
    pub(crate) async fn open(self, scene: &mut Scene) -> (Way, oneshot::Sender<()>) {
        let port = free_port().await;
        let way = self.lead(scene, port).await;
        (way, serve_at(scene, port).await.1)
    }
}

/// A port that is free now.
pub(crate) async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[cfg(feature = "gcp")]
mod pubsub {
    use serde_json::json;
    use testkit::{
        fake_issuer::{FakeIssuer, KeyPair},
        fake_pubsub::FakePubSub,
    };

    use crate::scene::{AUDIENCE, RELAY, Scene};

    /// Where functions have their topics.
    pub(super) const TOPICS: &str = "projects/p/topics/revalenz-";

    /// A topic with the function's subscription, and one for dead letters with the relay's, as Terraform makes them.
    pub(super) async fn lead(scene: &mut Scene, url: &str) -> FakePubSub {
        let issuer = FakeIssuer::start().await;
        issuer.rotate(KeyPair::rsa("of-google"));
        scene.know(&issuer);
        let fake = FakePubSub::start(&issuer, scene.clock()).await;
        let dead = format!("{TOPICS}dead");
        let push = |path: &str| {
            json!({
                "pushEndpoint": format!("{url}{path}"),
                "oidcToken": {"serviceAccountEmail": RELAY, "audience": AUDIENCE},
            })
        };
        let retry = json!({"minimumBackoff": "0.05s", "maximumBackoff": "0.5s"});
        fake.put(&dead, json!({})).await;
        fake.put(&format!("{TOPICS}ear"), json!({})).await;
        let subscription = json!({
            "topic": format!("{TOPICS}ear"), "pushConfig": push("/internal/events"), "ackDeadlineSeconds": 10,
            "enableMessageOrdering": true, "retryPolicy": retry,
            "deadLetterPolicy": {"deadLetterTopic": dead, "maxDeliveryAttempts": 12},
        });
        fake.put("projects/p/subscriptions/revalenz-ear", subscription)
            .await;
        let letters = json!({
            "topic": dead, "pushConfig": push("/internal/dead-letters"), "retryPolicy": retry,
        });
        fake.put("projects/p/subscriptions/revalenz-dead", letters)
            .await;
        fake
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

    /// Between the outbox and the listener.
    pub(crate) fn on(way: &Way, scene: &Scene) -> Self {
        let mut journey = Self::new();
        match way {
            Way::Straight(url) => journey.relay(scene, http(scene, url)),
            Way::RabbitMq(broker, url) => journey.over(scene, broker, url),
            #[cfg(feature = "gcp")]
            Way::PubSub(fake) => {
                journey.relay(scene, relay::PubSub::at(fake.address(), pubsub::TOPICS));
            }
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

    /// Ends it wherever it is just now.
    pub(crate) async fn kill(mut self) {
        self.tasks.shutdown().await;
    }

    /// Stops it as a signal does, and waits for its end.
    pub(crate) async fn end(mut self) {
        self.stop.send_replace(true);
        while let Some(task) = self.tasks.join_next().await {
            task.unwrap();
        }
    }
}

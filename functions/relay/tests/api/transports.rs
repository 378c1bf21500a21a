//! A running relay over each kind of bus.

use std::time::Duration;

use relay::{Backoff, Broker, Limits, Nudge, Rabbit, RabbitConsumer, Transport};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::{AbortHandle, JoinSet},
};
use web::settings::SecretString;

use crate::{
    harness::RelayHarness,
    process::{http, serve_at},
};

/// The kinds of bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BusKind {
    Http,
    RabbitMq,
    #[cfg(feature = "gcp")]
    PubSub,
}

/// A bus that is set up for a listener.
pub(crate) enum TestBus {
    /// The listener's URL.
    Http(String),
    /// The broker's URL and the listener's URL.
    RabbitMq(SecretString, String),
    #[cfg(feature = "gcp")]
    PubSub(testkit::fake_pubsub::FakePubSub),
}

impl BusKind {
    /// Sets up the bus for a listener that will use this local port.
    #[cfg_attr(
        not(feature = "gcp"),
        expect(unused_variables, reason = "only Pub/Sub changes the harness")
    )]
    pub(crate) async fn set_up(self, harness: &mut RelayHarness, port: u16) -> TestBus {
        let url = format!("http://127.0.0.1:{port}");
        match self {
            Self::Http => TestBus::Http(url),
            Self::RabbitMq => TestBus::RabbitMq(testkit::Broker::virtual_host().await, url),
            #[cfg(feature = "gcp")]
            Self::PubSub => TestBus::PubSub(pubsub::set_up(harness, &url).await),
        }
    }

    /// Sets up the bus and starts the listener.
    pub(crate) async fn start(self, harness: &mut RelayHarness) -> (TestBus, oneshot::Sender<()>) {
        let port = free_port().await;
        let bus = self.set_up(harness, port).await;
        (bus, serve_at(harness, port).await.1)
    }
}

/// A local port that is currently free.
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

    use crate::harness::{AUDIENCE, RELAY, RelayHarness};

    /// Prefix of the functions' topics.
    pub(super) const TOPICS: &str = "projects/p/topics/revalenz-";

    /// Creates the function's topic and subscription and those for dead letters, as Terraform does.
    pub(super) async fn set_up(harness: &mut RelayHarness, url: &str) -> FakePubSub {
        let issuer = FakeIssuer::start().await;
        issuer.rotate(KeyPair::rsa("of-google"));
        harness.trust_issuer(&issuer);
        let fake = FakePubSub::start(&issuer, harness.clock()).await;
        let dead = format!("{TOPICS}dead");
        let push = |path: &str| {
            json!({
                "pushEndpoint": format!("{url}{path}"),
                "oidcToken": {"serviceAccountEmail": RELAY, "audience": AUDIENCE},
            })
        };
        let retry = json!({"minimumBackoff": "0.05s", "maximumBackoff": "0.5s"});
        fake.put(&dead, json!({})).await;
        fake.put(&format!("{TOPICS}listener"), json!({})).await;
        let subscription = json!({
            "topic": format!("{TOPICS}listener"), "pushConfig": push("/internal/events"), "ackDeadlineSeconds": 10,
            "enableMessageOrdering": true, "retryPolicy": retry,
            "deadLetterPolicy": {"deadLetterTopic": dead, "maxDeliveryAttempts": 12},
        });
        fake.put("projects/p/subscriptions/revalenz-listener", subscription)
            .await;
        let dead_letters = json!({
            "topic": dead, "pushConfig": push("/internal/dead-letters"), "retryPolicy": retry,
        });
        fake.put("projects/p/subscriptions/revalenz-dead", dead_letters)
            .await;
        fake
    }
}

/// Three refusals and short delays.
pub(crate) const LIMITS: Limits = Limits {
    in_flight: 8,
    refusals: 3,
    lease: Duration::from_mins(1),
    backoff: Backoff {
        initial: Duration::from_millis(20),
        factor: 2,
        max: Duration::from_millis(100),
    },
};

/// The tasks between the outbox and the listener. They are aborted on drop.
pub(crate) struct RunningRelay {
    stop: watch::Sender<bool>,
    pub(crate) tasks: JoinSet<()>,
    nudges: Vec<Nudge>,
}

impl RunningRelay {
    /// No tasks yet.
    pub(crate) fn new() -> Self {
        Self {
            stop: watch::channel(false).0,
            tasks: JoinSet::new(),
            nudges: Vec::new(),
        }
    }

    fn stop_signal(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.subscribe();
        async move { drop(stop.wait_for(|stop| *stop).await) }
    }

    /// Starts the tasks for this bus.
    pub(crate) fn start(bus: &TestBus, harness: &RelayHarness) -> Self {
        let mut running = Self::new();
        match bus {
            TestBus::Http(url) => running.spawn_dispatcher(harness, http(harness, url)),
            TestBus::RabbitMq(broker, url) => running.spawn_rabbitmq(harness, broker, url),
            #[cfg(feature = "gcp")]
            TestBus::PubSub(fake) => {
                running.spawn_dispatcher(
                    harness,
                    relay::PubSub::with_endpoint(fake.address(), pubsub::TOPICS),
                );
            }
        }
        running
    }

    /// Starts a dispatcher and a consumer on this broker.
    pub(crate) fn spawn_rabbitmq(
        &mut self,
        harness: &RelayHarness,
        broker: &SecretString,
        url: &str,
    ) {
        self.spawn_dispatcher(harness, Rabbit::new(Broker::new(broker, ["listener"])));
        self.spawn_consumer(harness, broker, url, 100);
    }

    /// Starts a dispatcher.
    pub(crate) fn spawn_dispatcher<T: Transport>(&mut self, harness: &RelayHarness, transport: T) {
        let dispatcher = harness.dispatcher_with(transport).with_limits(LIMITS);
        self.nudges.push(dispatcher.nudge());
        self.tasks.spawn(dispatcher.run(self.stop_signal()));
    }

    /// Starts a consumer with this prefetch count.
    pub(crate) fn spawn_consumer(
        &mut self,
        harness: &RelayHarness,
        broker: &SecretString,
        url: &str,
        prefetch: u16,
    ) -> AbortHandle {
        let broker = Broker::new(broker, ["listener"]);
        let (db, clock) = (harness.relay_db.clone(), harness.clock().clone());
        let consumer = RabbitConsumer::new(broker, http(harness, url), db, clock)
            .with_limits(LIMITS, prefetch);
        self.tasks.spawn(consumer.run(self.stop_signal()))
    }

    /// Advances the clock until the query returns true.
    pub(crate) async fn wait_until(&self, harness: &RelayHarness, condition: &'static str) {
        let mut admin = harness.app.admin().await;
        for _ in 0..6_000 {
            let holds = sqlx::query_scalar(condition).fetch_one(&mut admin).await;
            if holds.unwrap() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            harness.clock().advance(Duration::from_millis(20));
            self.nudge();
        }
        panic!("never: {condition}");
    }

    pub(crate) fn nudge(&self) {
        for nudge in &self.nudges {
            nudge.nudge();
        }
    }

    /// Aborts the tasks at once.
    pub(crate) async fn kill(mut self) {
        self.tasks.shutdown().await;
    }

    /// Signals the tasks to stop and waits for them.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(task) = self.tasks.join_next().await {
            task.unwrap();
        }
    }
}

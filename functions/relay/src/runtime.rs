//! The background work of the relay, as its settings require.

use db::Db;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use web::Clock;

use crate::{Broker, Bus, Nudge, OutboxDispatcher, Rabbit, RabbitConsumer, Routing, Transport};

type Stop = Shared<BoxFuture<'static, ()>>;

/// Dispatches events over the configured bus.
pub struct RelayRuntime {
    nudge: Nudge,
    work: Box<dyn FnOnce(Stop) -> BoxFuture<'static, ()> + Send>,
}

impl RelayRuntime {
    /// Dispatches over this bus; `transport` leads to the functions.
    pub fn new<T: Transport>(
        bus: Bus,
        db: Db,
        clock: Clock,
        transport: T,
        routing: Routing,
    ) -> Self {
        match bus {
            Bus::Http => {
                Self::from_dispatcher(OutboxDispatcher::new(db, clock, transport, routing))
            }
            #[cfg(feature = "gcp")]
            Bus::PubSub(topics) => {
                let topics = crate::PubSub::new(&topics);
                Self::from_dispatcher(OutboxDispatcher::new(db, clock, topics, routing))
            }
            Bus::RabbitMq(url) => {
                let broker = Broker::new(&url, routing.functions());
                let consumer =
                    RabbitConsumer::new(broker.clone(), transport, db.clone(), clock.clone());
                let dispatcher = OutboxDispatcher::new(db, clock, Rabbit::new(broker), routing);
                Self {
                    nudge: dispatcher.nudge(),
                    work: Box::new(move |stop| {
                        let both =
                            futures::future::join(dispatcher.run(stop.clone()), consumer.run(stop));
                        both.map(|_| ()).boxed()
                    }),
                }
            }
        }
    }

    fn from_dispatcher<T: Transport>(dispatcher: OutboxDispatcher<T>) -> Self {
        Self {
            nudge: dispatcher.nudge(),
            work: Box::new(move |stop| dispatcher.run(stop).boxed()),
        }
    }

    /// A handle that wakes the dispatcher after a commit.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// Runs until `stop` resolves, then waits for deliveries in flight.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        (self.work)(stop.boxed().shared()).await;
    }
}

//! How announcements travel: straight to the functions, or over a bus that holds them meanwhile.

use db::Db;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use web::{Clock, settings::Hidden};

use crate::{Broker, Carrier, Nudge, Rabbit, Relay, Routing, Transport};

/// The way of this process.
#[derive(Clone, Debug)]
pub enum Bus {
    /// From the outbox straight to the functions.
    Straight,
    /// Over RabbitMQ, at this address.
    RabbitMq(Hidden),
    /// Over Google Pub/Sub, to the topics whose names begin so.
    #[cfg(feature = "gcp")]
    PubSub(String),
}

impl Bus {
    /// As `REVALENZ_BUS`, `REVALENZ_AMQP_URL` and `REVALENZ_PUBSUB_TOPICS` say.
    pub fn parse(
        name: &str,
        amqp_url: Option<&Hidden>,
        topics: Option<&str>,
    ) -> Result<Self, String> {
        match (name, amqp_url) {
            ("http", _) => Ok(Self::Straight),
            ("pubsub", _) => Self::pubsub(topics),
            ("rabbitmq", Some(url)) if url.expose().starts_with("amqp://") => {
                Ok(Self::RabbitMq(url.clone()))
            }
            ("rabbitmq", Some(_)) => {
                Err("REVALENZ_AMQP_URL must begin with amqp://, over a network of our own".into())
            }
            ("rabbitmq", None) => Err("REVALENZ_BUS=rabbitmq wants REVALENZ_AMQP_URL".into()),
            _ => Err(format!(
                "REVALENZ_BUS: {name:?} is none of http, rabbitmq, pubsub"
            )),
        }
    }
}

impl Bus {
    #[cfg(feature = "gcp")]
    fn pubsub(topics: Option<&str>) -> Result<Self, String> {
        match topics {
            Some(topics) if topics.starts_with("projects/") && topics.contains("/topics/") => {
                Ok(Self::PubSub(topics.to_owned()))
            }
            _ => Err("REVALENZ_BUS=pubsub wants REVALENZ_PUBSUB_TOPICS: projects/<project>/topics/<prefix>".into()),
        }
    }

    #[cfg(not(feature = "gcp"))]
    fn pubsub(_topics: Option<&str>) -> Result<Self, String> {
        Err("REVALENZ_BUS=pubsub wants a relay that is built with --features gcp".into())
    }

    /// Whether functions are pushed to by this process, which then must know where they are.
    pub fn pushes(&self) -> bool {
        matches!(self, Self::Straight | Self::RabbitMq(_))
    }
}

type Stop = Shared<BoxFuture<'static, ()>>;

/// What moves announcements, on whichever way.
pub struct Moving {
    nudge: Nudge,
    work: Box<dyn FnOnce(Stop) -> BoxFuture<'static, ()> + Send>,
}

impl Moving {
    /// Over this bus, and by this transport to the functions.
    pub fn over<T: Transport>(
        bus: Bus,
        db: Db,
        clock: Clock,
        transport: T,
        routing: Routing,
    ) -> Self {
        match bus {
            Bus::Straight => Self::straight(Relay::new(db, clock, transport, routing)),
            #[cfg(feature = "gcp")]
            Bus::PubSub(topics) => {
                let topics = crate::PubSub::new(&topics);
                Self::straight(Relay::new(db, clock, topics, routing))
            }
            Bus::RabbitMq(url) => {
                let broker = Broker::new(&url, routing.functions());
                let carrier = Carrier::new(broker.clone(), transport, db.clone(), clock.clone());
                let relay = Relay::new(db, clock, Rabbit::new(broker), routing);
                Self {
                    nudge: relay.nudge(),
                    work: Box::new(move |stop| {
                        let both =
                            futures::future::join(relay.run(stop.clone()), carrier.run(stop));
                        both.map(|_| ()).boxed()
                    }),
                }
            }
        }
    }

    fn straight<T: Transport>(relay: Relay<T>) -> Self {
        Self {
            nudge: relay.nudge(),
            work: Box::new(move |stop| relay.run(stop).boxed()),
        }
    }

    /// Wakes it; keep the handle where changes are committed.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// Works until `stop` resolves, then lets what is under way come to its end.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        (self.work)(stop.boxed().shared()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_named_with_what_it_needs() {
        let url = Hidden::new("amqp://u:p@127.0.0.1/x");
        let secure = Hidden::new("amqps://u:p@127.0.0.1/x");
        assert!(matches!(Bus::parse("http", None, None), Ok(Bus::Straight)));
        assert!(matches!(
            Bus::parse("rabbitmq", Some(&url), None),
            Ok(Bus::RabbitMq(_))
        ));
        for (name, url) in [
            ("rabbitmq", None),
            ("rabbitmq", Some(&secure)),
            ("carrier pigeon", None),
            ("", Some(&url)),
            ("pubsub", None),
        ] {
            let refused = Bus::parse(name, url, None).unwrap_err();
            assert!(!refused.contains("u:p"), "{refused}");
        }
    }
}

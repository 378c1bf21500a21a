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
}

impl Bus {
    /// As `REVALENZ_BUS` and `REVALENZ_AMQP_URL` say.
    pub fn parse(name: &str, amqp_url: Option<&Hidden>) -> Result<Self, String> {
        match (name, amqp_url) {
            ("http", _) => Ok(Self::Straight),
            ("rabbitmq", Some(url)) if url.expose().starts_with("amqp://") => {
                Ok(Self::RabbitMq(url.clone()))
            }
            ("rabbitmq", Some(_)) => {
                Err("REVALENZ_AMQP_URL must begin with amqp://, over a network of our own".into())
            }
            ("rabbitmq", None) => Err("REVALENZ_BUS=rabbitmq wants REVALENZ_AMQP_URL".into()),
            _ => Err(format!("REVALENZ_BUS: {name:?} is none of http, rabbitmq")),
        }
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
        assert!(matches!(Bus::parse("http", None), Ok(Bus::Straight)));
        assert!(matches!(
            Bus::parse("rabbitmq", Some(&url)),
            Ok(Bus::RabbitMq(_))
        ));
        for (name, url) in [
            ("rabbitmq", None),
            ("rabbitmq", Some(&secure)),
            ("carrier pigeon", None),
            ("", Some(&url)),
        ] {
            let refused = Bus::parse(name, url).unwrap_err();
            assert!(!refused.contains("u:p"), "{refused}");
        }
    }
}

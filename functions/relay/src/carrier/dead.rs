//! What the broker gave up goes to the dead letters, where operators look.

use events::Envelope;
use futures::{StreamExt, future::Shared};
use lapin::{
    message::Delivery as Message,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};

use super::{Carrier, REST, acknowledge, discard};
use crate::{
    Transport,
    transport::rabbit::{BrokerError, DEAD, QUEUES, within},
};

/// The header in which RabbitMQ says which queue a message died in.
const DIED_IN: &str = "x-first-death-queue";

impl<T: Transport> Carrier<T> {
    pub(super) async fn bury(&self, stop: Shared<impl Future<Output = ()>>) {
        loop {
            let burying = self.bury_over_one_connection();
            tokio::select! {
                () = stop.clone() => return,
                Err(error) = burying => tracing::warn!(%error, "the broker is away"),
            }
            tokio::select! {
                () = stop.clone() => return,
                () = tokio::time::sleep(REST) => {}
            }
        }
    }

    /// One letter after the other. What could not be written down comes again with the next connection.
    async fn bury_over_one_connection(&self) -> Result<(), BrokerError> {
        let (_link, channel) = self.broker.open().await?;
        within(channel.basic_qos(1, BasicQosOptions::default())).await?;
        let options = BasicConsumeOptions::default();
        let consuming =
            channel.basic_consume(DEAD.into(), "".into(), options, FieldTable::default());
        let mut consumer = within(consuming).await?;
        while let Some(message) = consumer.next().await {
            let message = message?;
            let function = died_at(&message).unwrap_or_default();
            match serde_json::from_slice::<Envelope>(&message.data) {
                Ok(event) => {
                    let reason = "the bus gave it up: every relay that had it died";
                    let parked = self.park(&function, &event, reason, 0).await;
                    if let Err(error) = parked {
                        tracing::warn!(event = %event.id, %error, "a letter could not be written");
                        return Err(BrokerError::Other("the database is away"));
                    }
                    acknowledge(&message.acker).await?;
                }
                Err(error) => discard(&function, &message, &error).await?,
            }
        }
        Err(BrokerError::Other("the queue is gone"))
    }
}

/// Which function's queue it was in.
fn died_at(message: &Message) -> Option<String> {
    let headers = message.properties.headers().as_ref()?;
    match headers.inner().get(DIED_IN)? {
        AMQPValue::LongString(queue) => {
            let queue = std::str::from_utf8(queue.as_bytes()).ok()?;
            queue.strip_prefix(QUEUES).map(str::to_owned)
        }
        _ => None,
    }
}

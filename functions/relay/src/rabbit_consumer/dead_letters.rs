//! Moves messages that the broker dead-lettered into the dead letter table, where operators see them.

use events::Envelope;
use futures::{StreamExt, future::Shared};
use lapin::{
    message::Delivery as Message,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};

use super::{RECONNECT_BACKOFF, RabbitConsumer, acknowledge, discard_unreadable};
use crate::{
    Transport,
    transport::rabbit::{BrokerError, DEAD_LETTER_QUEUE, QUEUE_PREFIX, with_timeout},
};

/// The header in which RabbitMQ names the queue that dead-lettered a message.
const FIRST_DEATH_QUEUE_HEADER: &str = "x-first-death-queue";

impl<T: Transport> RabbitConsumer<T> {
    /// Consumes the dead letter queue and reconnects after a failure.
    pub(super) async fn drain_dead_letters(&self, stop: Shared<impl Future<Output = ()>>) {
        loop {
            let consuming = self.consume_dead_letters();
            tokio::select! {
                () = stop.clone() => return,
                Err(error) = consuming => tracing::warn!(%error, "broker connection failed"),
            }
            tokio::select! {
                () = stop.clone() => return,
                () = tokio::time::sleep(RECONNECT_BACKOFF) => {}
            }
        }
    }

    /// Handles one message at a time over one connection. A message that could not be stored is redelivered after a reconnect.
    async fn consume_dead_letters(&self) -> Result<(), BrokerError> {
        let (_connection, channel) = self.broker.connect().await?;
        with_timeout(channel.basic_qos(1, BasicQosOptions::default())).await?;
        let options = BasicConsumeOptions::default();
        let consuming = channel.basic_consume(
            DEAD_LETTER_QUEUE.into(),
            "".into(),
            options,
            FieldTable::default(),
        );
        let mut consumer = with_timeout(consuming).await?;
        while let Some(message) = consumer.next().await {
            let message = message?;
            let function = failed_function(&message).unwrap_or_default();
            match serde_json::from_slice::<Envelope>(&message.data) {
                Ok(event) => {
                    let reason = "the broker reached its delivery limit: every relay that received the event crashed";
                    let parked = self.park(&function, &event, reason, 0).await;
                    if let Err(error) = parked {
                        tracing::warn!(event = %event.id, %error, "could not write the dead letter");
                        return Err(BrokerError::Other("the database is unavailable"));
                    }
                    acknowledge(&message.acker).await?;
                }
                Err(error) => discard_unreadable(&function, &message, &error).await?,
            }
        }
        Err(BrokerError::Other("the queue no longer exists"))
    }
}

/// The function whose queue dead-lettered the message.
fn failed_function(message: &Message) -> Option<String> {
    let headers = message.properties.headers().as_ref()?;
    match headers.inner().get(FIRST_DEATH_QUEUE_HEADER)? {
        AMQPValue::LongString(queue) => {
            let queue = std::str::from_utf8(queue.as_bytes()).ok()?;
            queue.strip_prefix(QUEUE_PREFIX).map(str::to_owned)
        }
        _ => None,
    }
}

//! RabbitMQ: one quorum queue per function. A publisher confirm means that a majority of nodes has written the message to disk;
//! from then on a [`RabbitConsumer`](crate::RabbitConsumer) delivers it to the function.

use std::{sync::Arc, time::Duration};

use events::Envelope;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{
        BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
};
use tokio::{sync::Mutex, time::Instant};
use web::settings::SecretString;

use super::Transport;
use crate::DeliveryOutcome;

/// How long connecting and declaring the queues may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a publisher confirm may take.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the broker may take for any other request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// Delay before reconnecting after a failed connection.
const RECONNECT_BACKOFF: Duration = Duration::from_secs(1);
/// Number of deliveries after which the broker dead-letters a message (`x-delivery-limit`). Restarts do not reach it; a message
/// that crashes every relay that reads it does.
const DELIVERY_LIMIT: i32 = 1_000;
/// Name of the exchange and queue of dead-lettered messages.
pub(crate) const DEAD_LETTER_QUEUE: &str = "revalenz.dead";
/// Prefix of a function's queue; the function's name follows.
pub(crate) const QUEUE_PREFIX: &str = "revalenz.events.";
/// `delivery_mode` of a persistent message.
const PERSISTENT_DELIVERY_MODE: u8 = 2;

/// Address of the broker and the functions that have a queue.
#[derive(Clone, Debug)]
pub struct Broker {
    url: SecretString,
    functions: Vec<String>,
}

/// A broker failure. It contains no address and no password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokerError {
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
    #[error("{0}")]
    Other(&'static str),
}

impl Broker {
    /// The broker at `amqp://<user>:<password>@<host>:<port>/<virtual host>`, with a queue for each of these functions.
    pub fn new<'a>(url: &SecretString, functions: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            url: url.clone(),
            functions: functions.into_iter().map(str::to_owned).collect(),
        }
    }

    pub(crate) fn functions(&self) -> &[String] {
        &self.functions
    }

    /// Connects, opens a channel and declares all queues. Both close when the connection is dropped.
    pub(crate) async fn connect(&self) -> Result<(ConnectionGuard, Channel), BrokerError> {
        let connecting = async {
            let properties =
                ConnectionProperties::default().with_connection_name("revalenz-relay".into());
            let connection = ConnectionGuard(Arc::new(
                Connection::connect(self.url.expose(), properties).await?,
            ));
            let channel = connection.0.create_channel().await?;
            self.declare(&channel).await?;
            Ok((connection, channel))
        };
        tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .unwrap_or(Err(BrokerError::Other(
                "the broker did not respond in time",
            )))
    }

    /// Declares exchange and queues. Existing ones stay as they are.
    async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        let exchange = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let none = FieldTable::default;
        let kind = lapin::ExchangeKind::Fanout;
        channel
            .exchange_declare(DEAD_LETTER_QUEUE.into(), kind, exchange, none())
            .await?;
        let durable = QueueDeclareOptions::durable();
        channel
            .queue_declare(DEAD_LETTER_QUEUE.into(), durable, quorum_arguments())
            .await?;
        let bind = QueueBindOptions::default();
        channel
            .queue_bind(
                DEAD_LETTER_QUEUE.into(),
                DEAD_LETTER_QUEUE.into(),
                "".into(),
                bind,
                none(),
            )
            .await?;
        for function in &self.functions {
            let mut arguments = quorum_arguments();
            let text = |text: &str| AMQPValue::LongString(text.into());
            for (name, value) in [
                // Two active consumers would break the order of an aggregate.
                ("x-single-active-consumer", AMQPValue::Boolean(true)),
                ("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT)),
                ("x-dead-letter-exchange", text(DEAD_LETTER_QUEUE)),
                ("x-dead-letter-strategy", text("at-least-once")),
                ("x-overflow", text("reject-publish")),
            ] {
                arguments.insert(name.into(), value);
            }
            channel
                .queue_declare(queue_name(function).into(), durable, arguments)
                .await?;
        }
        Ok(())
    }
}

/// A connection that closes on drop.
///
/// lapin (4.12) leaves a connection open when it is dropped while a consumer is being declared on it. That consumer would stay the
/// active one of its queue and receive messages that are never processed.
#[derive(Debug)]
pub(crate) struct ConnectionGuard(Arc<Connection>);

impl ConnectionGuard {
    /// Closes the connection and waits for the broker's confirmation.
    pub(crate) async fn close(self) -> lapin::Result<()> {
        self.0.close(200, "stopped".into()).await
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let connection = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { connection.close(200, "dropped".into()).await });
        }
    }
}

/// Awaits a broker response, with a timeout.
pub(crate) async fn with_timeout<T>(
    response: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(REQUEST_TIMEOUT, response).await {
        Ok(response) => Ok(response?),
        Err(_elapsed) => Err(BrokerError::Other("the broker did not respond in time")),
    }
}

fn quorum_arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    let queue_type = AMQPValue::LongString("quorum".into());
    arguments.insert("x-queue-type".into(), queue_type);
    arguments
}

/// The name of a function's queue.
pub(crate) fn queue_name(function: &str) -> String {
    format!("{QUEUE_PREFIX}{function}")
}

/// Publishes events to the broker.
#[derive(Debug)]
pub struct Rabbit {
    broker: Broker,
    state: Mutex<ConnectionState>,
}

/// The current connection, if there is one.
#[derive(Debug, Default)]
struct ConnectionState {
    open: Option<(ConnectionGuard, Channel)>,
    /// Number of the connection, so that a failure on an old connection does not close its successor.
    generation: u64,
    failed_at: Option<Instant>,
}

impl Rabbit {
    /// A publisher that connects at the first event.
    pub fn new(broker: Broker) -> Self {
        Self {
            broker,
            state: Mutex::default(),
        }
    }

    async fn channel(&self) -> Result<(u64, Channel), BrokerError> {
        let mut state = self.state.lock().await;
        if let Some((_, channel)) = &state.open
            && channel.status().connected()
        {
            return Ok((state.generation, channel.clone()));
        }
        state.open = None;
        if state
            .failed_at
            .is_some_and(|at| at.elapsed() < RECONNECT_BACKOFF)
        {
            return Err(BrokerError::Other(
                "the last connection attempt failed; waiting before the next one",
            ));
        }
        let connecting = async {
            let (connection, channel) = self.broker.connect().await?;
            let confirms = ConfirmSelectOptions::default();
            with_timeout(channel.confirm_select(confirms)).await?;
            Ok((connection, channel))
        };
        match connecting.await {
            Ok((connection, channel)) => {
                state.failed_at = None;
                state.generation += 1;
                state.open = Some((connection, channel.clone()));
                Ok((state.generation, channel))
            }
            Err(error) => {
                state.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// Drops the connection, unless a newer one has replaced it.
    async fn invalidate(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.generation == generation {
            state.open = None;
        }
    }

    /// Publishes the event and waits for the publisher confirm.
    async fn publish(&self, function: &str, event: &Envelope) -> Result<(), BrokerError> {
        let (generation, channel) = self.channel().await?;
        let properties = BasicProperties::default()
            .with_content_type("application/cloudevents+json".into())
            .with_delivery_mode(PERSISTENT_DELIVERY_MODE)
            .with_message_id(event.id.to_string().into())
            .with_type(event.r#type.as_str().into());
        let mandatory = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let confirmed = async {
            let body = event.to_json();
            let key = queue_name(function).into();
            let sent =
                channel.basic_publish("".into(), key, mandatory, body.as_bytes(), properties);
            sent.await?.await
        };
        let failure = match tokio::time::timeout(CONFIRM_TIMEOUT, confirmed).await {
            Ok(Ok(Confirmation::Ack(None))) => return Ok(()),
            Ok(Ok(Confirmation::Ack(Some(_)))) => BrokerError::Other("the queue no longer exists"),
            Ok(Ok(_)) => BrokerError::Other("the broker rejected the message"),
            Ok(Err(error)) => error.into(),
            Err(_elapsed) => BrokerError::Other("the broker did not confirm the message in time"),
        };
        // A new connection declares the queues again and may reach another node of the cluster.
        self.invalidate(generation).await;
        Err(failure)
    }
}

impl Transport for Rabbit {
    const IS_BUS: bool = true;

    async fn deliver(&self, function: &str, event: &Envelope, _attempt: i32) -> DeliveryOutcome {
        match self.publish(function, event).await {
            Ok(()) => DeliveryOutcome::Delivered,
            Err(error) => DeliveryOutcome::Unreachable(error.to_string()),
        }
    }
}

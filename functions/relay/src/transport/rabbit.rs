//! RabbitMQ: a quorum queue a function. The broker's confirm says that a message is on the disks of the majority; from then on
//! the queue holds it, and a [`Carrier`](crate::Carrier) brings it to the function.

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
use web::settings::Hidden;

use super::Transport;
use crate::Delivery;

/// How long the broker may take to be connected to, and to confirm.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
const CONFIRM_LIMIT: Duration = Duration::from_secs(5);
/// How long it may take to answer anything else.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How long nobody tries again after a connection could not be made.
const REST: Duration = Duration::from_secs(1);
/// How often a message may be on its way to a relay that dies before it has said a word of it. Whoever only restarts again and
/// again does not come so far; what kills every relay that reads it does, and goes to the dead letters.
const DELIVERY_LIMIT: i32 = 1_000;
/// Exchange and queue of what came so far.
pub(crate) const DEAD: &str = "revalenz.dead";
/// What a function's queue is called: this, and its name.
pub(crate) const QUEUES: &str = "revalenz.events.";
/// `delivery_mode` of a message that is written to disk.
const PERSISTENT: u8 = 2;

/// Where the broker is, and whose queues it has.
#[derive(Clone, Debug)]
pub struct Broker {
    url: Hidden,
    functions: Vec<String>,
}

/// What went wrong with the broker. It holds no address and no password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokerError {
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
    #[error("{0}")]
    Other(&'static str),
}

impl Broker {
    /// Behind `amqp://<user>:<password>@<host>:<port>/<virtual host>`, with a queue for each of these functions.
    pub fn new<'a>(url: &Hidden, functions: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            url: url.clone(),
            functions: functions.into_iter().map(str::to_owned).collect(),
        }
    }

    pub(crate) fn functions(&self) -> &[String] {
        &self.functions
    }

    /// A connection and a channel on which all queues are declared. Both end when the connection is dropped.
    pub(crate) async fn open(&self) -> Result<(Link, Channel), BrokerError> {
        let opened = async {
            let named =
                ConnectionProperties::default().with_connection_name("revalenz-relay".into());
            let link = Link(Arc::new(
                Connection::connect(self.url.expose(), named).await?,
            ));
            let channel = link.0.create_channel().await?;
            self.declare(&channel).await?;
            Ok((link, channel))
        };
        tokio::time::timeout(CONNECT_LIMIT, opened)
            .await
            .unwrap_or(Err(BrokerError::Other("the broker does not answer")))
    }

    /// Declared again and again: what is there already stays as it is.
    async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        let exchange = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let none = FieldTable::default;
        let kind = lapin::ExchangeKind::Fanout;
        channel
            .exchange_declare(DEAD.into(), kind, exchange, none())
            .await?;
        let durable = QueueDeclareOptions::durable();
        channel
            .queue_declare(DEAD.into(), durable, quorum())
            .await?;
        let bind = QueueBindOptions::default();
        channel
            .queue_bind(DEAD.into(), DEAD.into(), "".into(), bind, none())
            .await?;
        for function in &self.functions {
            let mut arguments = quorum();
            let text = |text: &str| AMQPValue::LongString(text.into());
            for (name, value) in [
                // Two relays that take turns at one queue would mix up the order of an aggregate.
                ("x-single-active-consumer", AMQPValue::Boolean(true)),
                ("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT)),
                ("x-dead-letter-exchange", text(DEAD)),
                ("x-dead-letter-strategy", text("at-least-once")),
                ("x-overflow", text("reject-publish")),
            ] {
                arguments.insert(name.into(), value);
            }
            channel
                .queue_declare(queue(function).into(), durable, arguments)
                .await?;
        }
        Ok(())
    }
}

/// A connection that ends with whoever has it, at whatever moment that is.
///
/// lapin's own (4.12) stays open when it is dropped while a consumer is being declared on it: that consumer would go on being
/// the active one of its queue, and nobody would take what it is given.
#[derive(Debug)]
pub(crate) struct Link(Arc<Connection>);

impl Link {
    /// Ends it, and waits until the broker knows.
    pub(crate) async fn close(self) -> lapin::Result<()> {
        self.0.close(200, "stopped".into()).await
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let connection = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { connection.close(200, "dropped".into()).await });
        }
    }
}

/// What the broker says in good time: one that hangs must hold up nobody.
pub(crate) async fn within<T>(
    answer: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(ANSWER_LIMIT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(BrokerError::Other("the broker does not answer")),
    }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    let quorum = AMQPValue::LongString("quorum".into());
    arguments.insert("x-queue-type".into(), quorum);
    arguments
}

/// The queue of a function.
pub(crate) fn queue(function: &str) -> String {
    format!("{QUEUES}{function}")
}

/// Hands events on to the broker.
#[derive(Debug)]
pub struct Rabbit {
    broker: Broker,
    slot: Mutex<Slot>,
}

/// What there is of a connection.
#[derive(Debug, Default)]
struct Slot {
    open: Option<(Link, Channel)>,
    /// Which connection it is: who finds it broken must not close the next one.
    number: u64,
    failed_at: Option<Instant>,
}

impl Rabbit {
    /// To this broker, which is connected to at the first event.
    pub fn new(broker: Broker) -> Self {
        Self {
            broker,
            slot: Mutex::default(),
        }
    }

    async fn channel(&self) -> Result<(u64, Channel), BrokerError> {
        let mut slot = self.slot.lock().await;
        if let Some((_, channel)) = &slot.open
            && channel.status().connected()
        {
            return Ok((slot.number, channel.clone()));
        }
        slot.open = None;
        if slot.failed_at.is_some_and(|at| at.elapsed() < REST) {
            return Err(BrokerError::Other("the broker was away a moment ago"));
        }
        let opened = async {
            let (link, channel) = self.broker.open().await?;
            let confirms = ConfirmSelectOptions::default();
            within(channel.confirm_select(confirms)).await?;
            Ok((link, channel))
        };
        match opened.await {
            Ok((link, channel)) => {
                slot.failed_at = None;
                slot.number += 1;
                slot.open = Some((link, channel.clone()));
                Ok((slot.number, channel))
            }
            Err(error) => {
                slot.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }

    async fn forget(&self, number: u64) {
        let mut slot = self.slot.lock().await;
        if slot.number == number {
            slot.open = None;
        }
    }

    /// Until the broker has confirmed it.
    async fn publish(&self, function: &str, event: &Envelope) -> Result<(), BrokerError> {
        let (number, channel) = self.channel().await?;
        let properties = BasicProperties::default()
            .with_content_type("application/cloudevents+json".into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(event.id.to_string().into())
            .with_type(event.r#type.as_str().into());
        let mandatory = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let confirmed = async {
            let body = event.to_json();
            let key = queue(function).into();
            let sent =
                channel.basic_publish("".into(), key, mandatory, body.as_bytes(), properties);
            sent.await?.await
        };
        let failure = match tokio::time::timeout(CONFIRM_LIMIT, confirmed).await {
            Ok(Ok(Confirmation::Ack(None))) => return Ok(()),
            Ok(Ok(Confirmation::Ack(Some(_)))) => BrokerError::Other("the queue is gone"),
            Ok(Ok(_)) => BrokerError::Other("the broker does not take it"),
            Ok(Err(error)) => error.into(),
            Err(_elapsed) => BrokerError::Other("the broker does not confirm"),
        };
        // Whatever it was: a new connection declares the queues anew, and finds another node of the cluster.
        self.forget(number).await;
        Err(failure)
    }
}

impl Transport for Rabbit {
    const HANDS_ON: bool = true;

    async fn deliver(&self, function: &str, event: &Envelope, _attempt: i32) -> Delivery {
        match self.publish(function, event).await {
            Ok(()) => Delivery::Delivered,
            Err(error) => Delivery::Unreachable(error.to_string()),
        }
    }
}

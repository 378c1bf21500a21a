//! Consumes the RabbitMQ queues and pushes each message to its function over HTTP, in order per aggregate, until it is accepted or
//! parked.
//!
//! A message is acknowledged after the function's response or after its dead letter is written, and is never requeued: a refused
//! message waits here, so that later messages of its aggregate can't overtake it while others proceed. When a consumer dies, the
//! broker redelivers its unacknowledged messages, in order, to the next one.

mod dead_letters;
mod keyed_queue;

use std::{sync::Arc, time::Duration};

use db::Db;
use events::Envelope;
use futures::{StreamExt, future::Shared};
use ids::TenantId;
use lapin::{
    Acker, Channel,
    message::Delivery as Message,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use web::Clock;

use crate::{
    Limits, Transport,
    delivery_client::DeliveryClient,
    dispatcher::random_fraction,
    domain::outcome::classify,
    store::dead_letters::insert_from_bus,
    telemetry::record_parked,
    transport::rabbit::{Broker, BrokerError, queue_name, with_timeout},
};
use keyed_queue::{Attempt, KeyedQueue};

/// Maximum number of unacknowledged messages per function; more stay in the broker's queue.
const DEFAULT_PREFETCH: u16 = 1_000;
/// Delay before reconnecting to the broker, and before retrying to write a dead letter.
const RECONNECT_BACKOFF: Duration = Duration::from_secs(1);
/// The longest delay for a function that is unreachable.
const MAX_UNREACHABLE_BACKOFF: Duration = Duration::from_secs(5);
/// How long deliveries in flight may take after the signal to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);
/// How often the queue is measured.
const MEASURE_INTERVAL: Duration = Duration::from_secs(5);

/// Messages with the same tenant and subject are delivered in order.
type OrderingKey = (TenantId, String);
/// A finished attempt.
type Finished = (OrderingKey, Arc<PendingMessage>, NextStep);
type Queue = KeyedQueue<OrderingKey, Arc<PendingMessage>>;

/// A message that is not acknowledged yet.
#[derive(Debug)]
struct PendingMessage {
    event: Envelope,
    acker: Acker,
}

/// What to do with a message after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextStep {
    /// It was accepted or parked.
    Acknowledge,
    /// Deliver it again later.
    Retry { after: Duration, is_refused: bool },
}

/// Consumes the queues of all functions and pushes by `T`. Any number of consumers may run in parallel: one is active per queue,
/// and another takes over when it ends.
pub struct RabbitConsumer<T> {
    broker: Broker,
    client: DeliveryClient<T>,
    db: Db,
    clock: Clock,
    limits: Limits,
    prefetch: u16,
}

impl<T> Clone for RabbitConsumer<T> {
    fn clone(&self) -> Self {
        Self {
            broker: self.broker.clone(),
            client: self.client.clone(),
            db: self.db.clone(),
            clock: self.clock.clone(),
            limits: self.limits,
            prefetch: self.prefetch,
        }
    }
}

impl<T: Transport> RabbitConsumer<T> {
    /// A consumer of this broker that delivers by this transport and writes dead letters to this database (the relay's own login).
    pub fn new(broker: Broker, transport: T, db: Db, clock: Clock) -> Self {
        Self {
            broker,
            client: DeliveryClient::new(transport),
            db,
            clock,
            limits: Limits::default(),
            prefetch: DEFAULT_PREFETCH,
        }
    }

    /// Replaces the default limits and prefetch count.
    pub fn with_limits(self, limits: Limits, prefetch: u16) -> Self {
        Self {
            limits,
            prefetch,
            ..self
        }
    }

    /// Runs until `stop` resolves, then waits for deliveries in flight.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        let stop = futures::FutureExt::shared(futures::FutureExt::boxed(stop));
        let mut tasks = JoinSet::new();
        for function in self.broker.functions() {
            let (this, function, stop) = (self.clone(), function.clone(), stop.clone());
            tasks.spawn(async move { this.run_with_reconnect(&function, stop).await });
        }
        let this = self.clone();
        tasks.spawn(async move { this.drain_dead_letters(stop).await });
        tasks.join_all().await;
    }

    /// Consumes one function's queue and reconnects after a failure.
    async fn run_with_reconnect(&self, function: &str, stop: Shared<impl Future<Output = ()>>) {
        loop {
            match self.consume(function, stop.clone()).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(function, %error, "broker connection failed"),
            }
            tokio::select! {
                () = stop.clone() => return,
                () = tokio::time::sleep(RECONNECT_BACKOFF) => {}
            }
        }
    }

    /// Consumes over one connection, until it fails or `stop` resolves.
    async fn consume(
        &self,
        function: &str,
        mut stop: Shared<impl Future<Output = ()>>,
    ) -> Result<(), BrokerError> {
        let (connection, channel) = self.broker.connect().await?;
        with_timeout(channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        let (name, options) = (queue_name(function).into(), BasicConsumeOptions::default());
        let consuming = channel.basic_consume(name, "".into(), options, FieldTable::default());
        let mut consumer = with_timeout(consuming).await?;
        let mut queue = Queue::default();
        let mut in_flight = JoinSet::new();
        let mut measure_timer = tokio::time::interval(MEASURE_INTERVAL);
        measure_timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.dispatch_ready(function, &mut queue, &mut in_flight);
            // Without free capacity, a due message waits for an attempt to finish, not for its time.
            let has_capacity = in_flight.len() < usize::from(self.limits.in_flight);
            let next_due = queue.next_due().filter(|_| has_capacity);
            let next_due = next_due.unwrap_or_else(|| Instant::now() + MEASURE_INTERVAL);
            tokio::select! {
                () = &mut stop => break,
                next = consumer.next() => match next {
                    Some(message) => enqueue(&mut queue, function, message?).await?,
                    None => return Err(BrokerError::Other("the queue no longer exists")),
                },
                Some(finished) = in_flight.join_next() => {
                    // A panicked attempt would block its key forever; a new connection starts over.
                    let finished = finished.map_err(|_| BrokerError::Other("a delivery attempt panicked"))?;
                    settle(&mut queue, finished).await?;
                }
                () = tokio::time::sleep_until(next_due) => {}
                _ = measure_timer.tick() => measure_queue(&channel, function, queue.len()).await?,
            }
        }
        let drain = async {
            while let Some(Ok(finished)) = in_flight.join_next().await {
                settle(&mut queue, finished).await?;
            }
            Ok::<(), BrokerError>(())
        };
        if let Ok(drained) = tokio::time::timeout(DRAIN_TIMEOUT, drain).await {
            drained?;
        }
        with_timeout(connection.close()).await
    }

    /// Starts deliveries of messages that are ready.
    fn dispatch_ready(&self, function: &str, queue: &mut Queue, in_flight: &mut JoinSet<Finished>) {
        while in_flight.len() < usize::from(self.limits.in_flight) {
            let Some(attempt) = queue.next_ready(Instant::now()) else {
                let is_full = queue.len() >= usize::from(self.prefetch);
                if is_full && in_flight.is_empty() && queue.expedite() {
                    continue;
                }
                return;
            };
            let (this, function) = (self.clone(), function.to_owned());
            in_flight.spawn(async move {
                let next_step = this.deliver(&function, &attempt).await;
                (attempt.key, attempt.message, next_step)
            });
        }
    }

    async fn deliver(
        &self,
        function: &str,
        attempt: &Attempt<OrderingKey, Arc<PendingMessage>>,
    ) -> NextStep {
        let (event, number) = (&attempt.message.event, attempt.number);
        let outcome = self.client.deliver(function, event, number).await;
        let max_refusals = if attempt.is_last {
            0
        } else {
            self.limits.refusals
        };
        let outcomes = vec![(function.to_owned(), outcome)];
        let disposition = classify(outcomes, attempt.refusals, max_refusals);
        for (_, reason) in &disposition.parked {
            if let Err(error) = self.park(function, event, reason, number).await {
                tracing::warn!(event = %event.id, %error, "could not write the dead letter");
                return NextStep::Retry {
                    after: RECONNECT_BACKOFF,
                    is_refused: false,
                };
            }
        }
        let Some(retry) = disposition.retry else {
            return NextStep::Acknowledge;
        };
        let backoff = &self.limits.backoff;
        let after = if retry.is_refused {
            let refusals = attempt.refusals.saturating_add(1);
            backoff.delay(refusals, random_fraction())
        } else {
            let delay = backoff.delay(number, random_fraction());
            delay.min(MAX_UNREACHABLE_BACKOFF)
        };
        // During an outage a thousand messages are retried every few seconds: one warning each is enough.
        if retry.is_refused || number == 1 {
            tracing::warn!(event = %event.id, function, attempt = number, ?after, reason = retry.reason, "event will be retried");
        } else {
            tracing::debug!(event = %event.id, function, attempt = number, ?after, reason = retry.reason, "event will be retried");
        }
        NextStep::Retry {
            after,
            is_refused: retry.is_refused,
        }
    }

    /// Writes a dead letter for an event that a function refused.
    async fn park(
        &self,
        function: &str,
        event: &Envelope,
        reason: &str,
        attempts: i32,
    ) -> db::Result<()> {
        let mut tx = self.db.begin_unscoped().await?;
        let now = self.clock.now();
        insert_from_bus(&mut tx, event, function, reason, attempts, now).await?;
        tx.commit().await?;
        record_parked(event, function, reason);
        Ok(())
    }
}

/// Adds a message to the queue of its aggregate.
async fn enqueue(queue: &mut Queue, function: &str, message: Message) -> Result<(), BrokerError> {
    match serde_json::from_slice::<Envelope>(&message.data) {
        Ok(event) => {
            let key = (event.tenant, event.subject.clone());
            let acker = message.acker;
            queue.push(key, Arc::new(PendingMessage { event, acker }));
            Ok(())
        }
        Err(error) => discard_unreadable(function, &message, &error).await,
    }
}

/// Acknowledges a message that no relay has written: there is no event to park, and redelivery would not help.
async fn discard_unreadable(
    function: &str,
    message: &Message,
    error: &serde_json::Error,
) -> Result<(), BrokerError> {
    tracing::error!(function, %error, bytes = message.data.len(), "discarded a message that is not an event");
    metrics::counter!("events_unreadable_total", "function" => function.to_owned()).increment(1);
    acknowledge(&message.acker).await
}

async fn settle(queue: &mut Queue, (key, message, next_step): Finished) -> Result<(), BrokerError> {
    match next_step {
        NextStep::Acknowledge => {
            acknowledge(&message.acker).await?;
            queue.complete(&key);
        }
        NextStep::Retry { after, is_refused } => {
            queue.delay(key, Instant::now() + after, is_refused);
        }
    }
    Ok(())
}

async fn acknowledge(acker: &Acker) -> Result<(), BrokerError> {
    if acker.ack(BasicAckOptions::default()).await? {
        Ok(())
    } else {
        Err(BrokerError::Other("the connection was lost"))
    }
}

/// Updates the number of messages that wait for a function: in the broker's queue and in this process.
async fn measure_queue(
    channel: &Channel,
    function: &str,
    pending: usize,
) -> Result<(), BrokerError> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let (name, arguments) = (queue_name(function).into(), FieldTable::default());
    let queue = with_timeout(channel.queue_declare(name, passive, arguments)).await?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are floats; the last digit does not matter"
    )]
    let waiting = f64::from(queue.message_count()) + pending as f64;
    metrics::gauge!("bus_waiting", "function" => function.to_owned()).set(waiting);
    Ok(())
}

//! Brings what RabbitMQ holds to the functions, which speak HTTP only: each message until it is taken or parked, in the order
//! of its aggregate.
//!
//! A message is acknowledged after the function's answer, or after its letter is written, and never given back: what rests after
//! a refusal is held here, so that those behind it can't overtake, and others flow by. Who dies with messages in hand has lost
//! nothing; the queue brings them to the next one, in their order.

mod dead;
mod lanes;

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
    courier::Courier,
    domain::verdict::weigh,
    mover::chance,
    store::letters,
    transport::rabbit::{Broker, BrokerError, queue, within},
};
use lanes::{Lanes, Try};

/// How many messages of a function are held at most; more stay in the queue.
const HELD: u16 = 1_000;
/// How long nobody tries again after the broker was away.
const REST: Duration = Duration::from_secs(1);
/// The longest wait for a function that is away.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// How long what is under way may take after the signal to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);
/// How often the queue is measured.
const MEASURED: Duration = Duration::from_secs(5);

/// Whose events they are, and of what.
type Key = (TenantId, String);
/// What a try came to, and of which lane it was.
type Done = (Key, Arc<Held>, Fate);

/// A message in hand.
#[derive(Debug)]
struct Held {
    event: Envelope,
    acker: Acker,
}

/// What becomes of a message after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Taken or parked.
    Settled,
    /// Again later.
    Again { after: Duration, refused: bool },
}

/// Consumes the queues of all functions and pushes by `T`. Any number of them may run beside each other: of each queue one is
/// active, and the next takes over when it ends.
pub struct Carrier<T> {
    broker: Broker,
    courier: Courier<T>,
    db: Db,
    clock: Clock,
    limits: Limits,
    held: u16,
}

impl<T> Clone for Carrier<T> {
    fn clone(&self) -> Self {
        Self {
            broker: self.broker.clone(),
            courier: self.courier.clone(),
            db: self.db.clone(),
            clock: self.clock.clone(),
            limits: self.limits,
            held: self.held,
        }
    }
}

impl<T: Transport> Carrier<T> {
    /// From this broker, on this way; letters go into this database (the relay's own login).
    pub fn new(broker: Broker, transport: T, db: Db, clock: Clock) -> Self {
        Self {
            broker,
            courier: Courier::new(transport),
            db,
            clock,
            limits: Limits::default(),
            held: HELD,
        }
    }

    /// The same with other limits, and so many messages held at most.
    pub fn with_limits(self, limits: Limits, held: u16) -> Self {
        Self {
            limits,
            held,
            ..self
        }
    }

    /// Works until `stop` resolves, then lets what is under way come to its end.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        let stop = futures::FutureExt::shared(futures::FutureExt::boxed(stop));
        let mut all = JoinSet::new();
        for function in self.broker.functions() {
            let (this, function, stop) = (self.clone(), function.clone(), stop.clone());
            all.spawn(async move { this.keep_at(&function, stop).await });
        }
        let this = self.clone();
        all.spawn(async move { this.bury(stop).await });
        all.join_all().await;
    }

    /// One function's queue, over as many connections as it takes.
    async fn keep_at(&self, function: &str, stop: Shared<impl Future<Output = ()>>) {
        loop {
            match self.carry(function, stop.clone()).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(function, %error, "the broker is away"),
            }
            tokio::select! {
                () = stop.clone() => return,
                () = tokio::time::sleep(REST) => {}
            }
        }
    }

    /// Over one connection, until it breaks (an error) or it is told to stop.
    async fn carry(
        &self,
        function: &str,
        mut stop: Shared<impl Future<Output = ()>>,
    ) -> Result<(), BrokerError> {
        let (link, channel) = self.broker.open().await?;
        within(channel.basic_qos(self.held, BasicQosOptions::default())).await?;
        let (name, options) = (queue(function).into(), BasicConsumeOptions::default());
        let consuming = channel.basic_consume(name, "".into(), options, FieldTable::default());
        let mut consumer = within(consuming).await?;
        let mut lanes = Lanes::<Key, Arc<Held>>::default();
        let mut under_way = JoinSet::new();
        let mut watch = tokio::time::interval(MEASURED);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.set_out(function, &mut lanes, &mut under_way);
            // Where no more may go at once, what is due waits for one to come back, not for its time.
            let room = under_way.len() < usize::from(self.limits.in_flight);
            let due = lanes.due().filter(|_| room);
            let due = due.unwrap_or_else(|| Instant::now() + MEASURED);
            tokio::select! {
                () = &mut stop => break,
                next = consumer.next() => match next {
                    Some(message) => take(&mut lanes, function, message?).await?,
                    None => return Err(BrokerError::Other("the queue is gone")),
                },
                Some(done) = under_way.join_next() => {
                    // A try that panicked: its lane would stand for ever, on a new connection it does not.
                    let done = done.map_err(|_| BrokerError::Other("a try broke off"))?;
                    put_down(&mut lanes, done).await?;
                }
                () = tokio::time::sleep_until(due) => {}
                _ = watch.tick() => measure(&channel, function, lanes.held()).await?,
            }
        }
        let drained = async {
            while let Some(Ok(done)) = under_way.join_next().await {
                put_down(&mut lanes, done).await?;
            }
            Ok::<(), BrokerError>(())
        };
        if let Ok(drained) = tokio::time::timeout(DRAIN_LIMIT, drained).await {
            drained?;
        }
        within(link.close()).await
    }

    /// Sets out with what may go now.
    fn set_out(
        &self,
        function: &str,
        lanes: &mut Lanes<Key, Arc<Held>>,
        under_way: &mut JoinSet<Done>,
    ) {
        while under_way.len() < usize::from(self.limits.in_flight) {
            let Some(one) = lanes.next(Instant::now()) else {
                let full = lanes.held() >= usize::from(self.held);
                if full && under_way.is_empty() && lanes.hurry() {
                    continue;
                }
                return;
            };
            let (this, function) = (self.clone(), function.to_owned());
            under_way.spawn(async move {
                let fate = this.attempt(&function, &one).await;
                (one.key, one.message, fate)
            });
        }
    }

    async fn attempt(&self, function: &str, one: &Try<Key, Arc<Held>>) -> Fate {
        let event = &one.message.event;
        let delivery = self.courier.bring(function, event, one.attempt).await;
        let most = if one.last { 0 } else { self.limits.refusals };
        let verdict = weigh(vec![(function.to_owned(), delivery)], one.refusals, most);
        for (_, reason) in &verdict.parked {
            if let Err(error) = self.park(function, event, reason, one.attempt).await {
                tracing::warn!(event = %event.id, %error, "a letter could not be written");
                return Fate::Again {
                    after: REST,
                    refused: false,
                };
            }
        }
        let Some(again) = verdict.again else {
            return Fate::Settled;
        };
        let after = if again.refused {
            let refusals = one.refusals.saturating_add(1);
            self.limits.backoff.delay(refusals, chance())
        } else {
            let delay = self.limits.backoff.delay(one.attempt, chance());
            delay.min(LONGEST_REST)
        };
        // During an outage a thousand are tried again every few seconds: once each is enough.
        if again.refused || one.attempt == 1 {
            tracing::warn!(event = %event.id, function, attempt = one.attempt, ?after, reason = again.reason, "event comes again");
        } else {
            tracing::debug!(event = %event.id, function, attempt = one.attempt, ?after, reason = again.reason, "event comes again");
        }
        Fate::Again {
            after,
            refused: again.refused,
        }
    }

    /// Writes down that a function will not take it.
    async fn park(
        &self,
        function: &str,
        event: &Envelope,
        reason: &str,
        tries: i32,
    ) -> db::Result<()> {
        let mut tx = self.db.begin_unscoped().await?;
        let now = self.clock.now();
        letters::park_handed_on(&mut tx, event, function, reason, tries, now).await?;
        tx.commit().await?;
        letters::tell(event, function, reason);
        Ok(())
    }
}

/// Takes a message in hand.
async fn take(
    lanes: &mut Lanes<Key, Arc<Held>>,
    function: &str,
    message: Message,
) -> Result<(), BrokerError> {
    match serde_json::from_slice::<Envelope>(&message.data) {
        Ok(event) => {
            let key = (event.tenant, event.subject.clone());
            let acker = message.acker;
            lanes.add(key, Arc::new(Held { event, acker }));
            Ok(())
        }
        Err(error) => discard(function, &message, &error).await,
    }
}

/// Nobody of ours writes such a message: there is no event to park, and it must not come again.
async fn discard(
    function: &str,
    message: &Message,
    error: &serde_json::Error,
) -> Result<(), BrokerError> {
    tracing::error!(function, %error, bytes = message.data.len(), "a message that is no event was thrown away");
    metrics::counter!("events_unreadable_total", "function" => function.to_owned()).increment(1);
    acknowledge(&message.acker).await
}

async fn put_down(
    lanes: &mut Lanes<Key, Arc<Held>>,
    (key, held, fate): Done,
) -> Result<(), BrokerError> {
    match fate {
        Fate::Settled => {
            acknowledge(&held.acker).await?;
            lanes.settle(&key);
        }
        Fate::Again { after, refused } => lanes.rest(key, Instant::now() + after, refused),
    }
    Ok(())
}

async fn acknowledge(acker: &Acker) -> Result<(), BrokerError> {
    if acker.ack(BasicAckOptions::default()).await? {
        Ok(())
    } else {
        Err(BrokerError::Other("the connection broke"))
    }
}

/// How many messages wait for a function: in its queue, and in hand.
async fn measure(channel: &Channel, function: &str, held: usize) -> Result<(), BrokerError> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let (name, none) = (queue(function).into(), FieldTable::default());
    let found = within(channel.queue_declare(name, passive, none)).await?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are floats; nobody needs the last digit"
    )]
    let waiting = f64::from(found.message_count()) + held as f64;
    metrics::gauge!("bus_waiting", "function" => function.to_owned()).set(waiting);
    Ok(())
}

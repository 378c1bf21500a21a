//! Dispatches events from the outbox: claim, deliver, settle.

mod lag_monitor;
mod settlement;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use db::{Db, DbError, Result};
use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;
use web::Clock;

use crate::{
    Backoff, Nudge, Routing, Transport,
    delivery_client::DeliveryClient,
    domain::outcome::{Disposition, classify},
    store::claims::{self, Claim},
};
use lag_monitor::LagMonitor;

/// How often the outbox is polled without a nudge.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The minimum time between two polls.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The longest delay while the bus is down: it fails for all events at once and recovers for all at once.
const MAX_BUS_BACKOFF: Duration = Duration::from_secs(5);
/// How long the database may take for a claim or a settlement; its own statement timeout is shorter.
const DB_TIMEOUT: Duration = Duration::from_secs(10);
/// How long deliveries in flight may take after the signal to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// Concurrency, retries and lease of a dispatcher or consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of events in flight.
    pub in_flight: u16,
    /// Number of refusals after which an event is parked for a function.
    pub refusals: i32,
    /// How long a claim is valid; longer than any delivery.
    pub lease: Duration,
    /// Delay between attempts.
    pub backoff: Backoff,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A function has few database connections, and its users need them too.
            in_flight: 8,
            refusals: 8,
            lease: Duration::from_mins(1),
            backoff: Backoff::default(),
        }
    }
}

/// Dispatches events from the outbox to the functions that subscribe. Any number of dispatchers may run in parallel.
pub struct OutboxDispatcher<T> {
    db: Db,
    clock: Clock,
    client: DeliveryClient<T>,
    routing: Arc<Routing>,
    limits: Limits,
    jitter: fn() -> f64,
    nudge: Nudge,
}

impl<T> Clone for OutboxDispatcher<T> {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            clock: self.clock.clone(),
            client: self.client.clone(),
            routing: self.routing.clone(),
            limits: self.limits,
            jitter: self.jitter,
            nudge: self.nudge.clone(),
        }
    }
}

/// A delivery attempt that has finished but is not settled.
struct Attempt {
    claim: Claim,
    disposition: Disposition,
}

impl<T: Transport> OutboxDispatcher<T> {
    /// A dispatcher over this database (the relay's own login), with this transport and these routes.
    pub fn new(db: Db, clock: Clock, transport: T, routing: Routing) -> Self {
        Self {
            db,
            clock,
            client: DeliveryClient::new(transport),
            routing: Arc::new(routing),
            limits: Limits::default(),
            jitter: random_fraction,
            nudge: Nudge::default(),
        }
    }

    /// Replaces the default limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces the source of jitter, a number between 0 and 1.
    pub fn with_jitter(mut self, jitter: fn() -> f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// A handle that wakes the dispatcher after a commit.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// Runs until `stop` resolves, then waits for deliveries in flight.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let max_in_flight = usize::from(self.limits.in_flight);
        let mut in_flight = JoinSet::new();
        let mut lag_monitor = LagMonitor::default();
        loop {
            let polled_at = Instant::now();
            if in_flight.len() < max_in_flight && !self.client.is_bus_outage_confirmed() {
                self.claim_and_spawn(&mut in_flight, max_in_flight).await;
            }
            lag_monitor.measure_if_due(&self.db, &self.clock).await;
            tokio::select! {
                () = &mut stop => break,
                Some(first) = in_flight.join_next() => self.settle_finished(&mut in_flight, first.ok()).await,
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                () = self.nudge.notified(), if in_flight.len() < max_in_flight => {
                    tokio::time::sleep_until(polled_at + MIN_POLL_INTERVAL).await;
                }
            }
        }
        let drain = async {
            while let Some(next) = in_flight.join_next().await {
                self.settle_finished(&mut in_flight, next.ok()).await;
            }
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, drain).await.is_err() {
            tracing::warn!("stopped with deliveries in flight; their leases will expire");
        }
    }

    /// Claims, delivers and settles once what is due now, and returns the number of events.
    pub async fn run_once(&self) -> Result<usize> {
        let claims = self.claim(self.limits.in_flight.into()).await?;
        let count = claims.len();
        let attempts: FuturesUnordered<_> = claims
            .into_iter()
            .map(|claim| self.deliver(claim))
            .collect();
        self.settle(attempts.collect().await).await?;
        Ok(count)
    }

    /// Runs until nothing is due, and returns the number of attempts.
    pub async fn run_until_idle(&self) -> Result<usize> {
        let mut attempts = 0;
        loop {
            match self.run_once().await? {
                0 => return Ok(attempts),
                count => attempts += count,
            }
        }
    }

    /// A failure is only logged: the next poll tries again.
    async fn claim_and_spawn(&self, in_flight: &mut JoinSet<Attempt>, max_in_flight: usize) {
        let room = max_in_flight.saturating_sub(in_flight.len());
        match with_db_timeout(self.claim(i32::try_from(room).unwrap_or(i32::MAX))).await {
            Ok(claims) => {
                for claim in claims {
                    let dispatcher = self.clone();
                    in_flight.spawn(async move { dispatcher.deliver(claim).await });
                }
            }
            Err(error) => tracing::warn!(%error, "could not claim events"),
        }
    }

    async fn claim(&self, max_rows: i32) -> Result<Vec<Claim>> {
        let now = self.clock.now();
        let lease = TimeDelta::from_std(self.limits.lease).unwrap_or(TimeDelta::MAX);
        let token = Uuid::from_bytes(access::opaque::random());
        let mut tx = self.db.begin_unscoped().await?;
        let claims = claims::claim_due(&mut tx, token, now, now + lease, max_rows).await?;
        tx.commit().await?;
        Ok(claims)
    }

    /// Delivers an event to every function that has not accepted it yet.
    async fn deliver(&self, claim: Claim) -> Attempt {
        let event = &claim.event;
        let targets = self
            .routing
            .targets(&event.r#type, claim.awaiting.as_deref());
        let deliveries = targets.into_iter().map(|function| async {
            let outcome = self.client.deliver(&function, event, claim.attempts).await;
            (function, outcome)
        });
        let outcomes = join_all(deliveries).await;
        let disposition = classify(outcomes, claim.refusals, self.limits.refusals);
        Attempt { claim, disposition }
    }

    /// Settles all finished attempts in one transaction. If that fails, their leases expire and the events are delivered again.
    async fn settle_finished(&self, in_flight: &mut JoinSet<Attempt>, first: Option<Attempt>) {
        let mut attempts: Vec<Attempt> = first.into_iter().collect();
        while let Some(next) = in_flight.try_join_next() {
            attempts.extend(next.ok());
        }
        if let Err(error) = with_db_timeout(self.settle(attempts)).await {
            tracing::warn!(%error, "could not settle deliveries; they will be repeated");
        }
    }
}

/// A database host that disappears can leave a connection hanging for minutes; a new one may reach its replacement.
async fn with_db_timeout<T>(operation: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(DB_TIMEOUT, operation)
        .await
        .unwrap_or_else(|_elapsed| {
            Err(DbError::Unavailable(sqlx::Error::Io(
                std::io::ErrorKind::TimedOut.into(),
            )))
        })
}

/// A random number between 0 and 1.
pub(crate) fn random_fraction() -> f64 {
    f64::from(u32::from_be_bytes(access::opaque::random())) / f64::from(u32::MAX)
}

//! What moves events: claim, deliver, settle.

mod settlement;
mod watch;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use db::{Db, DbError, Result};
use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;
use web::Clock;

use crate::{
    Backoff, Nudge, Routing, Transport,
    courier::Courier,
    domain::verdict::{Verdict, weigh},
    store::claims::{self, Claimed},
};
use watch::Watch;

/// How often it looks without being nudged.
const POLL: Duration = Duration::from_secs(1);
/// How often it looks at most.
const REST: Duration = Duration::from_millis(50);
/// The longest wait for a bus that is away: then it is away for everything, and comes back for everything.
const LONGEST_BUS_REST: Duration = Duration::from_secs(5);
/// How long the database may take for a claim or a settlement; its own limit for a statement is shorter.
const WORDS_LIMIT: Duration = Duration::from_secs(10);
/// How long deliveries that are under way may take after the signal to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// How much, how often, how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many events are on their way at the same time.
    pub in_flight: u16,
    /// How often a function may refuse an event before it is parked.
    pub refusals: i32,
    /// How long a claim lasts; longer than any delivery.
    pub lease: Duration,
    /// How long to wait between tries.
    pub backoff: Backoff,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A function has few connections, and its users need them too.
            in_flight: 8,
            refusals: 8,
            lease: Duration::from_mins(1),
            backoff: Backoff::default(),
        }
    }
}

/// Moves events from the outbox to the functions that listen. Any number of them may run beside each other.
pub struct Relay<T> {
    db: Db,
    clock: Clock,
    courier: Courier<T>,
    routing: Arc<Routing>,
    limits: Limits,
    chance: fn() -> f64,
    nudge: Nudge,
}

impl<T> Clone for Relay<T> {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            clock: self.clock.clone(),
            courier: self.courier.clone(),
            routing: self.routing.clone(),
            limits: self.limits,
            chance: self.chance,
            nudge: self.nudge.clone(),
        }
    }
}

/// What a try came to.
struct Tried {
    claimed: Claimed,
    verdict: Verdict,
}

impl<T: Transport> Relay<T> {
    /// Over this database (the relay's own login), on this way, to these functions.
    pub fn new(db: Db, clock: Clock, transport: T, routing: Routing) -> Self {
        Self {
            db,
            clock,
            courier: Courier::new(transport),
            routing: Arc::new(routing),
            limits: Limits::default(),
            chance,
            nudge: Nudge::default(),
        }
    }

    /// The same with other limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same with another source of numbers from 0 to 1.
    pub fn with_chance(mut self, chance: fn() -> f64) -> Self {
        self.chance = chance;
        self
    }

    /// Wakes it; keep the handle where changes are committed.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// Works until `stop` resolves, then lets what is under way come to its end.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let most = usize::from(self.limits.in_flight);
        let mut under_way = JoinSet::new();
        let mut watch = Watch::default();
        loop {
            let looked = Instant::now();
            if under_way.len() < most && !self.courier.lost_its_bus() {
                self.claim_into(&mut under_way, most).await;
            }
            watch.look(&self.db, &self.clock).await;
            tokio::select! {
                () = &mut stop => break,
                Some(first) = under_way.join_next() => self.settle_all(&mut under_way, first.ok()).await,
                () = tokio::time::sleep(POLL) => {}
                () = self.nudge.nudged(), if under_way.len() < most => {
                    tokio::time::sleep_until(looked + REST).await;
                }
            }
        }
        let drained = async {
            while let Some(next) = under_way.join_next().await {
                self.settle_all(&mut under_way, next.ok()).await;
            }
        };
        if tokio::time::timeout(DRAIN_LIMIT, drained).await.is_err() {
            tracing::warn!("deliveries were still under way; their leases will end");
        }
    }

    /// Claims, delivers and settles once what is due now; says how many events that were. For whoever keeps time
    /// themselves.
    pub async fn run_once(&self) -> Result<usize> {
        let claimed = self.claim(self.limits.in_flight.into()).await?;
        let count = claimed.len();
        let tries: FuturesUnordered<_> = claimed.into_iter().map(|one| self.attempt(one)).collect();
        self.settle(tries.collect().await).await?;
        Ok(count)
    }

    /// Runs until nothing is due any more; says how many tries that were.
    pub async fn run_dry(&self) -> Result<usize> {
        let mut tries = 0;
        loop {
            match self.run_once().await? {
                0 => return Ok(tries),
                more => tries += more,
            }
        }
    }

    /// A failure is only told: what could not be claimed is still there in a second.
    async fn claim_into(&self, under_way: &mut JoinSet<Tried>, most: usize) {
        let room = most.saturating_sub(under_way.len());
        match in_time(self.claim(i32::try_from(room).unwrap_or(i32::MAX))).await {
            Ok(claimed) => {
                for one in claimed {
                    let relay = self.clone();
                    under_way.spawn(async move { relay.attempt(one).await });
                }
            }
            Err(error) => tracing::warn!(%error, "nothing could be claimed"),
        }
    }

    async fn claim(&self, most: i32) -> Result<Vec<Claimed>> {
        let now = self.clock.now();
        let lease = TimeDelta::from_std(self.limits.lease).unwrap_or(TimeDelta::MAX);
        let token = Uuid::from_bytes(access::opaque::random());
        let mut tx = self.db.begin_unscoped().await?;
        let claimed = claims::claim(&mut tx, token, now, now + lease, most).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Brings an event to everybody who still has to take it.
    async fn attempt(&self, claimed: Claimed) -> Tried {
        let event = &claimed.event;
        let targets = self
            .routing
            .targets(&event.r#type, claimed.awaiting.as_deref());
        let deliveries = targets.into_iter().map(|function| async {
            let delivery = self.courier.bring(&function, event, claimed.attempts).await;
            (function, delivery)
        });
        let deliveries = join_all(deliveries).await;
        let verdict = weigh(deliveries, claimed.refusals, self.limits.refusals);
        Tried { claimed, verdict }
    }

    /// Settles what is done by now in one transaction. If that fails, the leases end and the events come again.
    async fn settle_all(&self, under_way: &mut JoinSet<Tried>, first: Option<Tried>) {
        let mut tried: Vec<Tried> = first.into_iter().collect();
        while let Some(next) = under_way.try_join_next() {
            tried.extend(next.ok());
        }
        if let Err(error) = in_time(self.settle(tried)).await {
            tracing::warn!(%error, "deliveries could not be settled; they will be repeated");
        }
    }
}

/// A database that is gone without a word lets wait for minutes; the next connection may find its successor.
async fn in_time<T>(words: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(WORDS_LIMIT, words)
        .await
        .unwrap_or_else(|_elapsed| {
            Err(DbError::Unavailable(sqlx::Error::Io(
                std::io::ErrorKind::TimedOut.into(),
            )))
        })
}

/// A number from 0 to 1, from the system's generator.
pub(crate) fn chance() -> f64 {
    f64::from(u32::from_be_bytes(access::opaque::random())) / f64::from(u32::MAX)
}

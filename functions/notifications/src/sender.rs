//! Sending what is queued.
//!
//! A message is claimed for [`LEASE`] in a transaction of its own, written and handed to the mailer without one, and marked
//! in a second. So no transaction waits for the world outside; whoever dies in between leaves a message that is due again
//! when the lease ends, and is handed over again under the same id.

mod one;

use std::{future::pending, sync::Arc, time::Duration};

use access::Gate;
use axum::{middleware::map_response, response::Response};
use chrono::TimeDelta;
use db::{Db, DbError};
use futures::{FutureExt, StreamExt, future::Shared, stream};
use tokio::sync::Notify;
use web::Service;

use crate::{Mailer, store::messages};
use one::Outcome;

/// How long a message belongs to whoever claimed it: longer than a mailer may take.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How long a mailer may take for one mail.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// How often is looked for what is due, besides every time that something was consumed here.
const POLL: Duration = Duration::from_secs(2);
/// How many due messages are looked at together.
const BATCH: i64 = 64;
/// How many mails are on their way at the same time.
const AT_ONCE: usize = 4;
/// The sender's address, where none is set.
const FROM: &str = "no-reply@revalenz.example";

/// Sends queued messages. Any number of them may run, in one process or in many.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    db: Db,
    gate: Gate,
    mailer: Arc<dyn Mailer>,
    from: String,
    nudged: Arc<Notify>,
}

impl Sender {
    /// A sender over notifications' own database login.
    pub fn new(db: Db, gate: Gate, mailer: Arc<dyn Mailer>) -> Self {
        Self(Arc::new(Inner {
            db,
            gate,
            mailer,
            from: FROM.to_owned(),
            nudged: Arc::default(),
        }))
    }

    /// The same with another sender's address. For a sender that does not run yet.
    pub fn coming_from(self, address: String) -> Self {
        let Inner {
            db,
            gate,
            mailer,
            nudged,
            ..
        } = &*self.0;
        Self(Arc::new(Inner {
            db: db.clone(),
            gate: gate.clone(),
            mailer: mailer.clone(),
            from: address,
            nudged: nudged.clone(),
        }))
    }

    /// The same service; what it takes in is sent at once by a sender that runs in this process.
    pub fn nudged_by(&self, mut service: Service) -> Service {
        let nudged = self.0.nudged.clone();
        // The answer comes after the commit.
        service.internal = service
            .internal
            .layer(map_response(move |response: Response| {
                if response.status().is_success() {
                    nudged.notify_one();
                }
                std::future::ready(response)
            }));
        service
    }

    /// Sends until it is told to stop; then finishes what it has begun.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let stop = stop.boxed().shared();
        loop {
            tokio::select! {
                biased;
                () = stop.clone() => return,
                () = self.0.nudged.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
            if let Err(error) = self.send_due(stop.clone()).await {
                tracing::warn!(%error, "queued messages could not be looked for");
            }
        }
    }

    /// Sends everything that is due now; how many messages came to their end.
    pub async fn run_once(&self) -> Result<usize, DbError> {
        self.send_due(pending().boxed().shared()).await
    }

    async fn send_due(&self, stop: Shared<impl Future<Output = ()>>) -> Result<usize, DbError> {
        let mut ended = 0;
        loop {
            let mut tx = self.0.db.begin_unscoped().await?;
            let due = messages::list_due(&mut tx, self.0.gate.clock().now(), BATCH).await?;
            tx.commit().await?;
            let outcomes: Vec<Outcome> = stream::iter(due)
                .take_until(stop.clone())
                .map(|(tenant, id)| self.0.send_one(tenant, id))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            ended += outcomes
                .iter()
                .filter(|outcome| **outcome == Outcome::Ended)
                .count();
            // What others hold, or what failed on the way to the database, stays due: it waits for the next look.
            if stop.peek().is_some()
                || outcomes
                    .iter()
                    .all(|outcome| *outcome == Outcome::Untouched)
            {
                return Ok(ended);
            }
        }
    }
}

//! Sends queued messages.
//!
//! A message is claimed for [`LEASE`] in one transaction, composed and handed to the mailer outside of any, and marked in a
//! second one, so no transaction waits for the mail server. After a crash in between, the message is due again when the lease
//! expires, and is sent again under the same id.

mod attempt;

use std::{future::pending, sync::Arc, time::Duration};

use access::AppState;
use axum::{middleware::map_response, response::Response};
use chrono::TimeDelta;
use db::{Db, DbError};
use futures::{FutureExt, StreamExt, future::Shared, stream};
use tokio::sync::Notify;
use web::Service;

use crate::{Mailer, store::messages};
use attempt::Outcome;

/// How long a claim is valid; longer than a mailer may take.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How long a mailer may take for one email.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How often due messages are polled without a nudge.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Number of due messages per poll.
const BATCH_SIZE: i64 = 64;
/// Maximum number of emails in flight.
const MAX_IN_FLIGHT: usize = 4;
/// The sender address if none is set.
const DEFAULT_FROM_ADDRESS: &str = "no-reply@revalenz.example";

/// Sends queued messages. Any number of senders may run in parallel.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    db: Db,
    state: AppState,
    mailer: Arc<dyn Mailer>,
    from: String,
    nudge: Arc<Notify>,
}

impl Sender {
    /// A sender that uses this context's database login.
    pub fn new(db: Db, state: AppState, mailer: Arc<dyn Mailer>) -> Self {
        Self(Arc::new(Inner {
            db,
            state,
            mailer,
            from: DEFAULT_FROM_ADDRESS.to_owned(),
            nudge: Arc::default(),
        }))
    }

    /// Replaces the sender address. To be called before the sender runs.
    pub fn with_from_address(self, address: String) -> Self {
        let Inner {
            db,
            state,
            mailer,
            nudge,
            ..
        } = &*self.0;
        Self(Arc::new(Inner {
            db: db.clone(),
            state: state.clone(),
            mailer: mailer.clone(),
            from: address,
            nudge: nudge.clone(),
        }))
    }

    /// Wraps the service so that messages it queues are sent at once by a sender in this process.
    pub fn nudge_after_events(&self, mut service: Service) -> Service {
        let nudge = self.0.nudge.clone();
        // The response is sent after the commit.
        service.internal = service
            .internal
            .layer(map_response(move |response: Response| {
                if response.status().is_success() {
                    nudge.notify_one();
                }
                std::future::ready(response)
            }));
        service
    }

    /// Runs until `stop` resolves, then finishes messages in flight.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let stop = stop.boxed().shared();
        loop {
            tokio::select! {
                biased;
                () = stop.clone() => return,
                () = self.0.nudge.notified() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
            if let Err(error) = self.send_due(stop.clone()).await {
                tracing::warn!(%error, "could not poll queued messages");
            }
        }
    }

    /// Sends everything that is due now and returns the number of finished messages.
    pub async fn run_once(&self) -> Result<usize, DbError> {
        self.send_due(pending().boxed().shared()).await
    }

    async fn send_due(&self, stop: Shared<impl Future<Output = ()>>) -> Result<usize, DbError> {
        let mut finished = 0;
        loop {
            let mut tx = self.0.db.begin_unscoped().await?;
            let due = messages::list_due_messages(&mut tx, self.0.state.clock().now(), BATCH_SIZE)
                .await?;
            tx.commit().await?;
            let outcomes: Vec<Outcome> = stream::iter(due)
                .take_until(stop.clone())
                .map(|(tenant, id)| self.0.send_one(tenant, id))
                .buffer_unordered(MAX_IN_FLIGHT)
                .collect()
                .await;
            finished += outcomes
                .iter()
                .filter(|outcome| **outcome == Outcome::Finished)
                .count();
            // Messages that other senders have claimed or that could not be claimed stay due until the next poll.
            if stop.peek().is_some() || outcomes.iter().all(|outcome| *outcome == Outcome::Skipped)
            {
                return Ok(finished);
            }
        }
    }
}

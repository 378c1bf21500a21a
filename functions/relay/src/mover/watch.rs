//! What the metrics tell of the relay.

use std::time::Duration;

use db::{Db, Result};
use tokio::time::Instant;
use web::Clock;

use super::in_time;
use crate::store::claims;

/// How often the outbox is measured.
const EVERY: Duration = Duration::from_secs(5);

/// From what age of the oldest announcement on something is wrong, as the alarms see it.
const TOO_LONG_S: i64 = 300;
/// How often that is said.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// Measures the outbox now and then.
#[derive(Default)]
pub(super) struct Watch {
    looked: Option<Instant>,
    said: Option<Instant>,
}

impl Watch {
    /// Measures, when it is time to. A failure shows as a figure that stands still, and in the log of the claims.
    pub(super) async fn look(&mut self, db: &Db, clock: &Clock) {
        if self.looked.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        match in_time(measure(db, clock)).await {
            Ok(lag) => self.say(lag),
            Err(error) => tracing::debug!(%error, "the outbox could not be measured"),
        }
    }

    /// Where nobody reads metrics the log sounds the alarm (`terraform/gcp/modules/observability`, which looks for these words).
    fn say(&mut self, lag: i64) {
        if lag > TOO_LONG_S && self.said.is_none_or(|last| last.elapsed() >= SAID_EVERY) {
            self.said = Some(Instant::now());
            tracing::error!(lag_s = lag, "announcements wait too long");
        }
    }
}

/// Says the age of the oldest announcement, in seconds.
async fn measure(db: &Db, clock: &Clock) -> Result<i64> {
    let mut tx = db.begin_unscoped().await?;
    let (waiting, oldest) = claims::lag(&mut tx).await?;
    tx.commit().await?;
    let lag = oldest.map_or(0, |oldest| (clock.now() - oldest).num_seconds().max(0));
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are floats; nobody needs the last digit"
    )]
    {
        metrics::gauge!("outbox_lag_seconds").set(lag as f64);
        metrics::gauge!("outbox_waiting").set(waiting as f64);
    }
    Ok(lag)
}

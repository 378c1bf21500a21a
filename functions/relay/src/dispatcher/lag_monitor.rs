//! Metrics of the outbox.

use std::time::Duration;

use db::{Db, Result};
use tokio::time::Instant;
use web::Clock;

use super::with_db_timeout;
use crate::store::claims;

/// How often the outbox is measured.
const MEASURE_INTERVAL: Duration = Duration::from_secs(5);
/// Age of the oldest announcement, in seconds, above which an alarm is due.
const MAX_LAG_SECONDS: i64 = 300;
/// How often the alarm is logged.
const ALARM_INTERVAL: Duration = Duration::from_mins(1);

/// Measures the outbox at intervals.
#[derive(Default)]
pub(super) struct LagMonitor {
    measured_at: Option<Instant>,
    alarmed_at: Option<Instant>,
}

impl LagMonitor {
    /// Measures the outbox if the interval has passed. After a failure the gauges keep their last values.
    pub(super) async fn measure_if_due(&mut self, db: &Db, clock: &Clock) {
        if self
            .measured_at
            .is_some_and(|last| last.elapsed() < MEASURE_INTERVAL)
        {
            return;
        }
        self.measured_at = Some(Instant::now());
        match with_db_timeout(measure(db, clock)).await {
            Ok(lag_seconds) => self.alarm_if_late(lag_seconds),
            Err(error) => tracing::debug!(%error, "could not measure the outbox"),
        }
    }

    /// `terraform/gcp/modules/observability` alerts on this log message where no metrics are scraped.
    fn alarm_if_late(&mut self, lag_seconds: i64) {
        if lag_seconds > MAX_LAG_SECONDS
            && self
                .alarmed_at
                .is_none_or(|last| last.elapsed() >= ALARM_INTERVAL)
        {
            self.alarmed_at = Some(Instant::now());
            tracing::error!(lag_s = lag_seconds, "announcements wait too long");
        }
    }
}

/// Updates the gauges and returns the age of the oldest announcement, in seconds.
async fn measure(db: &Db, clock: &Clock) -> Result<i64> {
    let mut tx = db.begin_unscoped().await?;
    let (waiting, oldest_at) = claims::measure_lag(&mut tx).await?;
    tx.commit().await?;
    let lag_seconds = oldest_at.map_or(0, |oldest| (clock.now() - oldest).num_seconds().max(0));
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are floats; the last digit does not matter"
    )]
    {
        metrics::gauge!("outbox_lag_seconds").set(lag_seconds as f64);
        metrics::gauge!("outbox_waiting").set(waiting as f64);
    }
    Ok(lag_seconds)
}

//! What the metrics tell of the relay.

use std::time::Duration;

use db::{Db, Result};
use tokio::time::Instant;
use web::Clock;

use crate::store::claims;

/// How often the outbox is measured.
const EVERY: Duration = Duration::from_secs(5);

/// Measures the outbox now and then.
#[derive(Default)]
pub(super) struct Watch(Option<Instant>);

impl Watch {
    /// Measures, when it is time to. A failure shows as a figure that stands still, and in the log of the claims.
    pub(super) async fn look(&mut self, db: &Db, clock: &Clock) {
        if self.0.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        self.0 = Some(Instant::now());
        if let Err(error) = measure(db, clock).await {
            tracing::debug!(%error, "the outbox could not be measured");
        }
    }
}

async fn measure(db: &Db, clock: &Clock) -> Result<()> {
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
    Ok(())
}

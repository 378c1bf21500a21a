//! Writing down how tries ended.

use chrono::TimeDelta;
use db::Result;

use super::{LONGEST_BUS_REST, Relay, Tried};
use crate::{
    Transport,
    domain::letter::{bounded, unsealed},
    store::claims::{self, Claimed},
};

impl<T: Transport> Relay<T> {
    /// In one transaction; a row whose lease somebody else has by now is left alone.
    pub(super) async fn settle(&self, tried: Vec<Tried>) -> Result<()> {
        if tried.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let misses_its_bus = self.courier.misses_its_bus();
        let mut tx = self.db.begin_unscoped().await?;
        for Tried { claimed, verdict } in &tried {
            for (function, reason) in &verdict.parked {
                let (event, reason) = (&claimed.event, bounded(reason));
                let envelope = unsealed(event);
                claims::park(&mut tx, claimed, function, envelope, &reason, now).await?;
                tracing::error!(event = %event.id, r#type = event.r#type, tenant = %event.tenant, function, reason, "event parked");
            }
            if let Some(again) = &verdict.again {
                let mut delay = self.limits.backoff.delay(claimed.attempts, (self.chance)());
                if misses_its_bus {
                    delay = delay.min(LONGEST_BUS_REST);
                }
                let due_at = now + TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
                let reason = bounded(&again.reason);
                claims::retry_later(
                    &mut tx,
                    claimed,
                    &again.functions,
                    again.refused,
                    due_at,
                    &reason,
                )
                .await?;
                tracing::warn!(event = %claimed.event.id, attempts = claimed.attempts, ?delay, reason, "event comes again");
            }
        }
        // Last, because what was parked decides whether the sealed part may go.
        let done: Vec<&Claimed> = tried
            .iter()
            .filter(|one| one.verdict.again.is_none())
            .map(|one| &one.claimed)
            .collect();
        if !done.is_empty() {
            claims::mark_published(&mut tx, &done, now).await?;
        }
        tx.commit().await?;
        for Tried { verdict, .. } in &tried {
            for (function, _) in &verdict.parked {
                metrics::counter!("events_parked_total", "function" => function.clone())
                    .increment(1);
            }
        }
        Ok(())
    }
}

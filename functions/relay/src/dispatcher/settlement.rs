//! Records how delivery attempts ended.

use chrono::TimeDelta;
use db::Result;

use super::{Attempt, MAX_BUS_BACKOFF, OutboxDispatcher};
use crate::{
    Transport,
    domain::reason::sanitize,
    store::{
        claims::{self, Claim},
        dead_letters::unsealed_envelope,
    },
};

impl<T: Transport> OutboxDispatcher<T> {
    /// Settles attempts in one transaction. Rows that another dispatcher has claimed since are left alone.
    pub(super) async fn settle(&self, attempts: Vec<Attempt>) -> Result<()> {
        if attempts.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let is_bus_outage_suspected = self.client.is_bus_outage_suspected();
        let mut tx = self.db.begin_unscoped().await?;
        for Attempt { claim, disposition } in &attempts {
            for (function, reason) in &disposition.parked {
                let (event, reason) = (&claim.event, sanitize(reason));
                let envelope = unsealed_envelope(event);
                claims::park(&mut tx, claim, function, envelope, &reason, now).await?;
                tracing::error!(event = %event.id, r#type = event.r#type, tenant = %event.tenant, function, reason, "event parked");
            }
            if let Some(retry) = &disposition.retry {
                let mut delay = self.limits.backoff.delay(claim.attempts, (self.jitter)());
                if is_bus_outage_suspected {
                    delay = delay.min(MAX_BUS_BACKOFF);
                }
                let due_at = now + TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
                let reason = sanitize(&retry.reason);
                claims::retry_later(
                    &mut tx,
                    claim,
                    &retry.functions,
                    retry.is_refused,
                    due_at,
                    &reason,
                )
                .await?;
                tracing::warn!(event = %claim.event.id, attempts = claim.attempts, ?delay, reason, "event will be retried");
            }
        }
        // After parking, which decides whether the sealed part may be blanked.
        let settled: Vec<&Claim> = attempts
            .iter()
            .filter(|attempt| attempt.disposition.retry.is_none())
            .map(|attempt| &attempt.claim)
            .collect();
        if !settled.is_empty() {
            claims::mark_settled(&mut tx, &settled, now).await?;
        }
        tx.commit().await?;
        for Attempt { disposition, .. } in &attempts {
            for (function, _) in &disposition.parked {
                metrics::counter!("events_parked_total", "function" => function.clone())
                    .increment(1);
            }
        }
        Ok(())
    }
}

//! What came back from a bus.

use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};
use events::Envelope;
use ids::DeadLetterId;

use crate::domain::letter::{bounded, unsealed};

/// One function will not take what a bus brought. A replay finds the sealed part in the outbox again.
pub(crate) async fn park_handed_on(
    tx: &mut UnscopedTx,
    event: &Envelope,
    function: &str,
    reason: &str,
    tries: i32,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"select 1 as "one!" from events.park_handed_on($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
        DeadLetterId::at(now) as _,
        event.tenant as _,
        event.id as _,
        function,
        unsealed(event),
        event.sealed.as_deref(),
        bounded(reason),
        tries,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// Tells operators of a letter that is written.
pub(crate) fn tell(event: &Envelope, function: &str, reason: &str) {
    tracing::error!(event = %event.id, r#type = event.r#type, tenant = %event.tenant, function, reason, "event parked");
    metrics::counter!("events_parked_total", "function" => function.to_owned()).increment(1);
}

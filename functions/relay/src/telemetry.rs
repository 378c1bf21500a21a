//! What operators are told about dead letters.

use events::Envelope;

/// Logs and counts an event that was parked for a function.
pub(crate) fn record_parked(event: &Envelope, function: &str, reason: &str) {
    tracing::error!(event = %event.id, r#type = event.r#type, tenant = %event.tenant, function, reason, "event parked");
    metrics::counter!("events_parked_total", "function" => function.to_owned()).increment(1);
}

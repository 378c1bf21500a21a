//! What is kept of an event that a function would not take.

use events::Envelope;

/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 500;

/// The envelope for looking at: what was sealed stays in the outbox alone.
pub(crate) fn unsealed(event: &Envelope) -> serde_json::Value {
    let mut event = event.clone();
    event.sealed = None;
    // Plain texts and numbers: writing them can't fail.
    serde_json::to_value(event).unwrap_or_default()
}

/// A reason may come from anywhere: no NUL, which PostgreSQL does not take, and not too long.
pub(crate) fn bounded(reason: &str) -> String {
    reason
        .chars()
        .filter(|letter| *letter != '\0')
        .take(LONGEST_REASON)
        .collect()
}

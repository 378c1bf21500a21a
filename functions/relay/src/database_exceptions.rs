//! What this context is allowed in the database beyond the rules for every context.

use events::DatabaseExceptions;

/// Exceptions that the schema linter accepts.
pub(crate) const DATABASE: DatabaseExceptions = DatabaseExceptions {
    definers: &[
        // Claims, settles and lists events of all tenants without access to the rows.
        ("events.claim", "rvz_relay"),
        ("events.find_dead_letter", "rvz_relay"),
        ("events.list_dead_letters", "rvz_relay"),
        ("events.mark_published", "rvz_relay"),
        ("events.mark_settled", "rvz_relay"),
        ("events.outbox_lag", "rvz_relay"),
        ("events.park", "rvz_relay"),
        ("events.park_handed_on", "rvz_relay"),
        ("events.replay_dead_letter", "rvz_relay"),
        ("events.retry_later", "rvz_relay"),
        ("events.tidy", "rvz_relay"),
    ],
    ..DatabaseExceptions::NONE
};

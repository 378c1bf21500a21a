//! What goes when a tenant is closed: every ticket with its comments and its history.

use events::Erasure;

/// What this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "support",
    tables: &[
        "support.ticket_history",
        "support.ticket_comments",
        "support.tickets",
        "support.ticket_counters",
    ],
};

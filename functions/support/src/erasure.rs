//! Erasure of a closed tenant's data: all tickets, comments and history.

use events::Erasure;

/// The tables that this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "support",
    tables: &[
        "support.ticket_history",
        "support.ticket_comments",
        "support.tickets",
        "support.ticket_counters",
    ],
};

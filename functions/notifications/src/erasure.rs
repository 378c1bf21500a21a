//! What goes when a tenant is closed: every message, sent or not.

use ::events::Erasure;

/// What this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "notifications",
    tables: &["notifications.messages"],
};

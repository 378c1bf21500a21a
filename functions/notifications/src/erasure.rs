//! Erases all messages of a closed tenant, sent or not.

use ::events::Erasure;

/// The tables that this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "notifications",
    tables: &["notifications.messages"],
};

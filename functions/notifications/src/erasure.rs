//! Erases all messages of a closed tenant, sent or not.

use ::events::Erasure;

use crate::tables::TABLES;

/// The tables that this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "notifications",
    tables: TABLES,
};

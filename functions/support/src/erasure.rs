//! Erasure of a closed tenant's data: all tickets, comments and history.

use events::Erasure;

use crate::tables::TABLES;

/// The tables that this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "support",
    tables: TABLES,
};

//! Erasure of a closed tenant: all users and their data.
//!
//! `access.people` and `access.roles` are erased last, because rows of other functions refer to them. Only the identifiers of users
//! remain, in the audit log.

use events::Erasure;

use crate::tables::TABLES;

/// The data that this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "identity",
    tables: TABLES,
};

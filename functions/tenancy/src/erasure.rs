//! What is erased when a tenant is closed: settings, flags, domains, keys and idempotency records.
//!
//! The tenant's row and its licences are kept as commercial records, and the audit log for its own retention period.

use events::Erasure;

use crate::tables::TABLES;

/// The tables that are erased.
pub static ERASURE: Erasure = Erasure {
    function: "tenancy",
    tables: TABLES,
};

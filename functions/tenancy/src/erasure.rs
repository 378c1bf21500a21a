//! What goes when a tenant is closed: settings, flags, domains, keys, answers to repeated requests.
//!
//! Its row and its licences stay, because commerce and tax law wants them for years; so does the audit log, which says who did
//! what until its own time is over.

use events::Erasure;

/// What this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "tenancy",
    tables: &[
        "tenancy.settings",
        "tenancy.feature_flags",
        "tenancy.tenant_domains",
        "access.origins",
        "access.api_keys",
        "access.idempotency_keys",
    ],
};

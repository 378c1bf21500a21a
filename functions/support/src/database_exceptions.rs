//! What this context is allowed in the database beyond the rules for every context.

use events::DatabaseExceptions;

/// Exceptions that the schema linter accepts.
pub(crate) const DATABASE: DatabaseExceptions = DatabaseExceptions {
    across_tenants: &[(
        "support.tickets_search_idx",
        "GIN; only used by support.search_tickets, with a tenant predicate",
    )],
    definers: &[
        // Full-text search, for the current tenant: behind a policy the index would not be used.
        ("support.search_tickets", "rvz_support"),
        // Called by the release before.
        ("support.matching_tickets", "rvz_support"),
    ],
    definer_policies: &[("support.tickets", "select")],
    grants: &[
        // For the definer function.
        ("rvz_definer", "support.tickets", "select"),
    ],
};

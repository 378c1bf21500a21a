//! What this context is allowed in the database beyond the rules for every context.

use events::DatabaseExceptions;

/// Exceptions that the schema linter accepts.
pub(crate) const DATABASE: DatabaseExceptions = DatabaseExceptions {
    across_tenants: &[(
        "identity.users_search_idx",
        "GIN; only used by identity.matching_users, with a tenant predicate",
    )],
    definers: &[
        // Search by name and email, for the current tenant: behind a policy the index would not be used.
        ("identity.matching_users", "rvz_identity"),
        // Roles and first admin of a new tenant in tenancy's transaction, for the current tenant.
        ("identity.provision_tenant", "rvz_tenancy"),
    ],
    definer_policies: &[
        ("identity.one_time_tokens", "all"),
        ("identity.users", "all"),
    ],
    grants: &[
        // The only writer of these shared tables.
        ("rvz_identity", "access.people", "insert, update, delete"),
        ("rvz_identity", "access.roles", "insert, update, delete"),
        ("rvz_identity", "access.sessions", "insert, update, delete"),
        (
            "rvz_identity",
            "access.signing_keys",
            "insert, update, delete",
        ),
        // Shows a person's own activity.
        ("rvz_identity", "access.audit_log", "select"),
        // For the definer functions.
        ("rvz_definer", "identity.one_time_tokens", "select, insert"),
        ("rvz_definer", "identity.users", "select, insert"),
    ],
};

//! What this context is allowed in the database beyond the rules for every context.

use events::DatabaseExceptions;

/// Exceptions that the schema linter accepts.
pub(crate) const DATABASE: DatabaseExceptions = DatabaseExceptions {
    across_tenants: &[
        (
            "tenancy.tenant_domains_owner_key",
            "a verified host belongs to one tenant",
        ),
        (
            "tenancy.tenants_slug_key",
            "the same slug in tenancy's own table",
        ),
    ],
    definers: &[
        // Tenants of the audit log's jobs: ids only.
        ("tenancy.chained_tenants", "rvz_tenancy"),
        ("tenancy.unsealed_tenants", "rvz_tenancy"),
        // All tenants, if the current tenant is the platform's own.
        ("tenancy.all_tenants", "rvz_tenancy"),
        // Tenants of the jobs: ids only.
        ("tenancy.tenants_with_due_licenses", "rvz_tenancy"),
        ("tenancy.tenants_with_new_usage", "rvz_tenancy"),
        ("tenancy.tenants_with_usage", "rvz_tenancy"),
        // Tenants due to be closed: ids only.
        ("tenancy.due_closings", "rvz_tenancy"),
    ],
    definer_policies: &[("tenancy.tenants", "select")],
    grants: &[
        // The only writer of these shared tables.
        ("rvz_tenancy", "access.api_keys", "insert, update, delete"),
        ("rvz_tenancy", "access.origins", "insert, update, delete"),
        ("rvz_tenancy", "access.tenants", "insert, update"),
        // Shows and seals the log, and aggregates usage.
        (
            "rvz_tenancy",
            "access.audit_log",
            "select, update (chain_hash), update (chain_key), update (sequence)",
        ),
        (
            "rvz_tenancy",
            "access.usage_events",
            "select, update (counted_at)",
        ),
        // For the definer functions.
        ("rvz_definer", "tenancy.tenants", "select"),
    ],
};

//! What this context is allowed in the database beyond the rules for every context.

use events::DatabaseExceptions;

/// Exceptions that the schema linter accepts.
pub(crate) const DATABASE: DatabaseExceptions = DatabaseExceptions {
    across_tenants: &[(
        "files.files_due_idx",
        "the job queries due files of all tenants",
    )],
    definers: &[
        // Due files, and tenants of a report: ids only.
        ("files.due_files", "rvz_files"),
        ("files.tenant_ids", "rvz_files"),
    ],
    definer_policies: &[("files.files", "select")],
    grants: &[
        // For the definer functions.
        ("rvz_definer", "files.files", "select"),
    ],
};

//! What this context is allowed in the database beyond the rules for every context.

use events::DatabaseExceptions;

/// Exceptions that the schema linter accepts.
pub(crate) const DATABASE: DatabaseExceptions = DatabaseExceptions {
    across_tenants: &[(
        "notifications.messages_due_idx",
        "the sender queries due messages of all tenants",
    )],
    definers: &[
        // Due messages of all tenants: ids only.
        ("notifications.due_messages", "rvz_notifications"),
    ],
    definer_policies: &[("notifications.messages", "select")],
    grants: &[
        // For the definer function.
        ("rvz_definer", "notifications.messages", "select"),
    ],
};

//! All exceptions from the rules, with their reasons.

/// An exception: `schema.name` and the reason.
type Exception = (&'static str, &'static str);

/// Tables that belong to no tenant.
pub(super) const WITHOUT_TENANT: &[Exception] = &[
    (
        "access.builtin_grants",
        "the permissions of built-in roles are the same for all tenants",
    ),
    (
        "access.signing_keys",
        "the public keys are shared by all tenants",
    ),
    ("events.job_runs", "a job run covers all tenants"),
    (
        "identity.signing_keys",
        "the encrypted private keys are shared by all tenants",
    ),
    ("tenancy.platform_settings", "defaults for all tenants"),
    ("public._sqlx_migrations", "applied migrations"),
];

/// Keys and indexes of tenant data that do not begin with `tenant_id`.
pub(super) const ACROSS_TENANTS: &[Exception] = &[
    (
        "access.origins_origin_key",
        "identifies the tenant of an origin before sign-in",
    ),
    (
        "access.tenants_slug_key",
        "identifies the tenant at sign-in",
    ),
    (
        "events.outbox_due_idx",
        "the relay claims due events of all tenants",
    ),
    ("events.outbox_retry_idx", "the same, for retries"),
    (
        "files.files_due_idx",
        "the job queries due files of all tenants",
    ),
    (
        "identity.users_search_idx",
        "GIN; only used by identity.matching_users, with a tenant predicate",
    ),
    (
        "notifications.messages_due_idx",
        "the sender queries due messages of all tenants",
    ),
    (
        "support.tickets_search_idx",
        "GIN; only used by support.matching_tickets, with a tenant predicate",
    ),
    (
        "tenancy.tenant_domains_owner_key",
        "a verified host belongs to one tenant",
    ),
    (
        "tenancy.tenants_slug_key",
        "the same slug in tenancy's own table",
    ),
];

/// Extensions, whose functions and types the other rules ignore.
pub(super) const EXTENSIONS: &[&str] = &["pg_trgm", "plpgsql"];

/// SECURITY DEFINER functions, and the only role that may call each. They run as `rvz_definer`, whose policies show it all
/// tenants, so each must restrict its tenants and results itself.
pub(super) const DEFINERS: &[(&str, &str)] = &[
    // The tenant is unknown before sign-in: returns one id for an exact match.
    ("access.tenant_by_origin", "rvz_app"),
    ("access.tenant_by_slug", "rvz_app"),
    // Tenants to be processed by a job: ids only.
    ("access.working_tenants", "rvz_app"),
    // The relay claims, settles and lists events of all tenants without access to the rows.
    ("events.claim", "rvz_relay"),
    ("events.find_dead_letter", "rvz_relay"),
    ("events.list_dead_letters", "rvz_relay"),
    ("events.mark_published", "rvz_relay"),
    // Closed tenants with rows of a function: ids only.
    ("events.open_erasures", "rvz_app"),
    ("events.mark_settled", "rvz_relay"),
    ("events.outbox_lag", "rvz_relay"),
    ("events.park", "rvz_relay"),
    ("events.park_handed_on", "rvz_relay"),
    ("events.replay_dead_letter", "rvz_relay"),
    ("events.retry_later", "rvz_relay"),
    ("events.tidy", "rvz_relay"),
    // Due files, and tenants of a report: ids only.
    ("files.due_files", "rvz_files"),
    ("files.tenant_ids", "rvz_files"),
    // Search by name and email, for the current tenant: behind a policy the index would not be used.
    ("identity.matching_users", "rvz_identity"),
    // Roles and first admin of a new tenant in tenancy's transaction, for the current tenant.
    ("identity.provision_tenant", "rvz_tenancy"),
    // Due messages of all tenants: ids only.
    ("notifications.due_messages", "rvz_notifications"),
    // Full-text search, for the current tenant: behind a policy the index would not be used.
    ("support.matching_tickets", "rvz_support"),
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
];

/// Tables with a `definer` policy, and its command.
pub(super) const DEFINER_POLICIES: &[(&str, &str)] = &[
    ("access.audit_log", "select"),
    ("access.origins", "select"),
    ("access.people", "all"),
    ("access.roles", "all"),
    ("access.tenants", "select"),
    ("access.usage_events", "select"),
    ("events.dead_letters", "all"),
    ("events.erasures", "select"),
    ("events.inbox", "all"),
    ("events.outbox", "all"),
    ("files.files", "select"),
    ("identity.one_time_tokens", "all"),
    ("identity.users", "all"),
    ("notifications.messages", "select"),
    ("support.tickets", "select"),
    ("tenancy.tenants", "select"),
];

/// Privileges outside of a role's own schema: role, table, privileges. Exactly these are granted.
pub(super) const GRANTS: &[(&str, &str, &str)] = &[
    // Every function, through rvz_app.
    (
        "rvz_app",
        "access.api_keys",
        "select, update (last_used_at)",
    ),
    ("rvz_app", "access.audit_log", "insert"),
    ("rvz_app", "access.builtin_grants", "select"),
    (
        "rvz_app",
        "access.idempotency_keys",
        "select, insert, update, delete",
    ),
    ("rvz_app", "access.origins", "select"),
    ("rvz_app", "access.people", "select"),
    ("rvz_app", "access.quota_counters", "select, insert, update"),
    ("rvz_app", "access.roles", "select"),
    ("rvz_app", "access.sessions", "select"),
    ("rvz_app", "access.signing_keys", "select"),
    ("rvz_app", "access.tenants", "select"),
    ("rvz_app", "access.usage_events", "insert"),
    ("rvz_app", "events.dead_letters", "select, insert, update"),
    ("rvz_app", "events.erasures", "select, insert, update"),
    ("rvz_app", "events.inbox", "select, insert"),
    (
        "rvz_app",
        "events.job_runs",
        "select, insert, update, delete",
    ),
    ("rvz_app", "events.outbox", "insert"),
    ("rvz_app", "public._sqlx_migrations", "select"),
    // The only writer of each shared table.
    ("rvz_identity", "access.people", "insert, update, delete"),
    ("rvz_identity", "access.roles", "insert, update, delete"),
    ("rvz_identity", "access.sessions", "insert, update, delete"),
    (
        "rvz_identity",
        "access.signing_keys",
        "insert, update, delete",
    ),
    ("rvz_tenancy", "access.api_keys", "insert, update, delete"),
    ("rvz_tenancy", "access.origins", "insert, update, delete"),
    ("rvz_tenancy", "access.tenants", "insert, update"),
    // Identity shows a person's own activity.
    ("rvz_identity", "access.audit_log", "select"),
    // Tenancy shows and seals the log, and aggregates usage.
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
    ("rvz_definer", "access.audit_log", "select"),
    ("rvz_definer", "access.builtin_grants", "select"),
    ("rvz_definer", "access.origins", "select"),
    ("rvz_definer", "access.people", "select, insert"),
    ("rvz_definer", "access.roles", "select, insert"),
    ("rvz_definer", "access.tenants", "select"),
    ("rvz_definer", "access.usage_events", "select"),
    (
        "rvz_definer",
        "events.dead_letters",
        "select, insert, update",
    ),
    ("rvz_definer", "events.erasures", "select"),
    ("rvz_definer", "events.inbox", "select, delete"),
    ("rvz_definer", "events.outbox", "select, update, delete"),
    ("rvz_definer", "files.files", "select"),
    ("rvz_definer", "identity.one_time_tokens", "select, insert"),
    ("rvz_definer", "identity.users", "select, insert"),
    ("rvz_definer", "notifications.messages", "select"),
    ("rvz_definer", "support.tickets", "select"),
    ("rvz_definer", "tenancy.tenants", "select"),
];

/// Tracks which exceptions are used.
#[derive(Debug)]
pub(super) struct Exceptions {
    list: &'static [Exception],
    used: Vec<&'static str>,
}

impl Exceptions {
    /// No exception used yet.
    pub(super) fn new(list: &'static [Exception]) -> Self {
        Self {
            list,
            used: Vec::new(),
        }
    }

    /// Whether `name` is an exception; marks it as used.
    pub(super) fn allows(&mut self, name: &str) -> bool {
        let found = self.list.iter().find(|(exception, _)| *exception == name);
        self.used.extend(found.map(|(exception, _)| *exception));
        found.is_some()
    }

    /// Violations for unused exceptions.
    pub(super) fn stale(self) -> impl Iterator<Item = String> {
        let Self { list, used } = self;
        list.iter().filter(move |(name, _)| !used.contains(name)).map(|(name, reason)| {
            format!("{name} is listed in catalogue/lists.rs ({reason}), but not needed: remove the line.")
        })
    }
}

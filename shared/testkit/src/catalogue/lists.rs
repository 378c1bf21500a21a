//! Every exception from the rules, by name and with its reason: the one page to review.

/// Something that the rules would refuse, as `schema.name`, and why it may stay.
type Exception = (&'static str, &'static str);

/// Tables that belong to no tenant.
pub(super) const WITHOUT_TENANT: &[Exception] = &[
    (
        "access.builtin_grants",
        "the policy of the built-in roles is the same for all tenants",
    ),
    (
        "access.signing_keys",
        "one set of public keys signs for all tenants",
    ),
    (
        "events.job_runs",
        "a run of a job visits all tenants, and names none",
    ),
    (
        "identity.signing_keys",
        "the sealed private halves of the same keys",
    ),
    (
        "tenancy.platform_settings",
        "what holds for every tenant that has not chosen for itself",
    ),
    ("public._sqlx_migrations", "which migrations have run"),
];

/// Keys and indexes of tenant data that do not begin with `tenant_id`.
pub(super) const ACROSS_TENANTS: &[Exception] = &[
    (
        "access.origins_origin_key",
        "an origin belongs to one tenant: it tells which, before sign-in",
    ),
    (
        "access.tenants_slug_key",
        "a slug names one tenant: sign-in begins with it",
    ),
    (
        "events.outbox_due_idx",
        "the relay claims what is due, of all tenants",
    ),
    (
        "events.outbox_retry_idx",
        "the same, for what has been tried before",
    ),
    (
        "files.files_due_idx",
        "the job asks which files are due, of all tenants",
    ),
    (
        "identity.users_search_idx",
        "GIN; only identity.matching_users asks it, with a tenant predicate",
    ),
    (
        "notifications.messages_due_idx",
        "the sender asks what is due, of all tenants",
    ),
    (
        "support.tickets_search_idx",
        "GIN; only support.matching_tickets asks it, with a tenant predicate",
    ),
    (
        "tenancy.tenant_domains_owner_key",
        "a proved host belongs to one tenant",
    ),
    (
        "tenancy.tenants_slug_key",
        "the same slug where tenancy keeps it",
    ),
];

/// Extensions, whose functions and types the other rules leave alone.
pub(super) const EXTENSIONS: &[&str] = &["pg_trgm", "plpgsql"];

/// SECURITY DEFINER functions, which run as `rvz_definer`, whose own policies show it every tenant; and the one role that may
/// call each. Each says itself which tenant it looks at, and answers nothing more than its name promises.
pub(super) const DEFINERS: &[(&str, &str)] = &[
    // Before sign-in no tenant is known: one identifier for one exact text.
    ("access.tenant_by_origin", "rvz_app"),
    ("access.tenant_by_slug", "rvz_app"),
    // Which tenants a job visits: identifiers alone.
    ("access.working_tenants", "rvz_app"),
    // The relay claims, settles and shows announcements of all tenants; it has no right to the rows themselves.
    ("events.claim", "rvz_relay"),
    ("events.find_dead_letter", "rvz_relay"),
    ("events.list_dead_letters", "rvz_relay"),
    ("events.mark_published", "rvz_relay"),
    // Which closed tenants a function still has rows of: identifiers alone.
    ("events.open_erasures", "rvz_app"),
    ("events.mark_settled", "rvz_relay"),
    ("events.outbox_lag", "rvz_relay"),
    ("events.park", "rvz_relay"),
    ("events.park_handed_on", "rvz_relay"),
    ("events.replay_dead_letter", "rvz_relay"),
    ("events.retry_later", "rvz_relay"),
    ("events.tidy", "rvz_relay"),
    // Which files are due, and which tenants a report visits: identifiers alone.
    ("files.due_files", "rvz_files"),
    ("files.tenant_ids", "rvz_files"),
    // Search by name and address, for the tenant that is set: behind a policy its index would not be used.
    ("identity.matching_users", "rvz_identity"),
    // Roles and first admin of a new tenant in tenancy's transaction, for the tenant that is set.
    ("identity.provision_tenant", "rvz_tenancy"),
    // Which messages are due, of all tenants: identifiers alone.
    ("notifications.due_messages", "rvz_notifications"),
    // Full-text search, for the tenant that is set: behind a policy its index would not be used.
    ("support.matching_tickets", "rvz_support"),
    // Which tenants the audit log's two jobs visit: identifiers alone.
    ("tenancy.chained_tenants", "rvz_tenancy"),
    ("tenancy.unsealed_tenants", "rvz_tenancy"),
    // The list of all tenants, when the tenant that is set is `revalenz`.
    ("tenancy.all_tenants", "rvz_tenancy"),
    // Which tenants its jobs visit: identifiers alone.
    ("tenancy.tenants_with_due_licenses", "rvz_tenancy"),
    ("tenancy.tenants_with_new_usage", "rvz_tenancy"),
    ("tenancy.tenants_with_usage", "rvz_tenancy"),
    // Which tenants have been closing for long enough: identifiers alone.
    ("tenancy.due_closings", "rvz_tenancy"),
];

/// Tables that have a policy `definer`, and the command it is for.
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

/// Who may do what beyond the schema that is theirs: role, table, privileges. Nothing else is granted, and nothing less.
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
    // The one writer of each shared table.
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
    // Identity shows a person's part of the log.
    ("rvz_identity", "access.audit_log", "select"),
    // Tenancy shows the log, seals it, and counts what was used.
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
    // What the definer functions touch.
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

/// Which exceptions were needed.
#[derive(Debug)]
pub(super) struct Excuses {
    list: &'static [Exception],
    used: Vec<&'static str>,
}

impl Excuses {
    /// None yet.
    pub(super) fn of(list: &'static [Exception]) -> Self {
        Self {
            list,
            used: Vec::new(),
        }
    }

    /// Whether `name` is excused, which is noted.
    pub(super) fn cover(&mut self, name: &str) -> bool {
        let found = self.list.iter().find(|(excused, _)| *excused == name);
        self.used.extend(found.map(|(excused, _)| *excused));
        found.is_some()
    }

    /// The exceptions that nothing needed.
    pub(super) fn stale(self) -> impl Iterator<Item = String> {
        let Self { list, used } = self;
        list.iter().filter(move |(name, _)| !used.contains(name)).map(|(name, reason)| {
            format!("{name} is excused in catalogue/lists.rs ({reason}), but nothing of that name needs it: remove the line.")
        })
    }
}

//! The exceptions that a database may have: those of the shared schemas, listed here with their reasons, and those that
//! contexts declare.

use db::tables::{Closure, Table};
use events::{Context, DatabaseExceptions};

/// An exception: `schema.name` and the reason.
type Exception = (&'static str, &'static str);

/// Exceptions of the shared schemas.
const SHARED: DatabaseExceptions = DatabaseExceptions {
    across_tenants: &[
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
    ],
    definers: &[
        // The tenant is unknown before sign-in: returns one id for an exact match.
        ("access.tenant_by_origin", "rvz_app"),
        ("access.tenant_by_slug", "rvz_app"),
        // Tenants to be processed by a job: ids only.
        ("access.working_tenants", "rvz_app"),
        // Closed tenants with rows of a function: ids only.
        ("events.open_erasures", "rvz_app"),
    ],
    definer_policies: &[
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
    ],
    grants: &[
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
        // Every function that deletes a row of a list leaves a tombstone; a job of identity removes old ones.
        (
            "rvz_app",
            "access.tombstones",
            "select, insert, update, delete",
        ),
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
    ],
};

/// Tables of sqlx and extensions, which belong to no tenant.
const WITHOUT_TENANT: &[Exception] = &[("public._sqlx_migrations", "applied migrations")];

/// Extensions, whose functions and types the other rules ignore.
pub(super) const EXTENSIONS: &[&str] = &["pg_trgm", "plpgsql"];

/// All exceptions of a database with these contexts.
pub(super) struct Lists {
    /// Tables that belong to no tenant.
    pub(super) without_tenant: Vec<Exception>,
    pub(super) across_tenants: Vec<Exception>,
    pub(super) definers: Vec<(&'static str, &'static str)>,
    pub(super) definer_policies: Vec<(&'static str, &'static str)>,
    pub(super) grants: Vec<(&'static str, &'static str, &'static str)>,
}

impl Lists {
    /// The exceptions of the shared schemas and of `contexts`.
    pub(super) fn of(contexts: &[&Context]) -> Self {
        let tables = contexts.iter().map(|context| context.tables);
        let tables = [access::TABLES, events::TABLES].into_iter().chain(tables);
        let without_tenant = tables
            .flatten()
            .filter(|table: &&Table| table.closure == Closure::NotTenantData)
            .map(|table| (table.name, table.doc));
        let all: Vec<_> = [SHARED]
            .into_iter()
            .chain(contexts.iter().map(|context| context.database))
            .collect();
        Self {
            without_tenant: without_tenant
                .chain(WITHOUT_TENANT.iter().copied())
                .collect(),
            across_tenants: all
                .iter()
                .flat_map(|one| one.across_tenants)
                .copied()
                .collect(),
            definers: all.iter().flat_map(|one| one.definers).copied().collect(),
            definer_policies: all
                .iter()
                .flat_map(|one| one.definer_policies)
                .copied()
                .collect(),
            grants: all.iter().flat_map(|one| one.grants).copied().collect(),
        }
    }
}

/// Tracks which exceptions are used.
#[derive(Debug)]
pub(super) struct Exceptions<'a> {
    list: &'a [Exception],
    used: Vec<&'static str>,
}

impl<'a> Exceptions<'a> {
    /// No exception used yet.
    pub(super) fn new(list: &'a [Exception]) -> Self {
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
        list.iter()
            .filter(move |(name, _)| !used.contains(name))
            .map(|(name, reason)| {
                format!(
                    "{name} is listed as an exception ({}), but not needed: remove the line.",
                    reason.trim()
                )
            })
    }
}

//! The scheduled jobs. Each may run at any time, repeatedly, and in several processes at once.

mod apply_due_licenses;
mod check_domains;
mod close_tenants;
mod count_usage;
mod expiring_keys;
mod inherit_settings;
mod seal_audit_log;
mod verify_audit_log;

use events::{Job, Jobs};

use self::{
    apply_due_licenses::apply_due_licenses,
    count_usage::{count_usage, recount_usage},
    seal_audit_log::seal_audit_log,
    verify_audit_log::verify_audit_log,
};
use crate::{App, erasure::ERASURE};

static SEAL_AUDIT_LOG: Job = Job {
    function: "tenancy",
    name: "seal-audit-log",
    schedule: "* * * * *",
    about: "Seals new entries of the audit log in the chain of their tenant.",
};
static VERIFY_AUDIT_LOG: Job = Job {
    function: "tenancy",
    name: "verify-audit-log",
    schedule: "40 2 * * *",
    about: "Verifies the chain of every tenant's audit log and reports each row that was tampered with.",
};
static APPLY_DUE_LICENSES: Job = Job {
    function: "tenancy",
    name: "turn-licenses",
    schedule: "* * * * *",
    about: "Applies licences that have begun or ended.",
};
static COUNT_USAGE: Job = Job {
    function: "tenancy",
    name: "count-usage",
    schedule: "* * * * *",
    about: "Adds usage events to the counters and warns tenants near their limits.",
};
static RECOUNT_USAGE: Job = Job {
    function: "tenancy",
    name: "recount-usage",
    schedule: "25 4 * * *",
    about: "Rebuilds the usage counters from the events and reports how many were wrong.",
};

static CLOSE_TENANTS: Job = Job {
    function: "tenancy",
    name: "close-tenants",
    schedule: "25 * * * *",
    about: "Closes tenants 30 days after the request. From then on all credentials are refused.",
};
static ERASE_CLOSED: Job = Job {
    function: "tenancy",
    name: "erase-closed-tenants",
    schedule: "*/10 * * * *",
    about: "Erases settings, flags, domains and keys of closed tenants.",
};
static EXPIRING_KEYS: Job = Job {
    function: "tenancy",
    name: "expiring-keys",
    schedule: "40 5 * * *",
    about: "Announces API keys that expire within 14 days, each once.",
};
static CHECK_DOMAINS: Job = Job {
    function: "tenancy",
    name: "check-domains",
    schedule: "50 4 * * *",
    about: "Checks the proofs of verified domains and releases domains whose proof has been missing for 7 days.",
};
static INHERIT_SETTINGS: Job = Job {
    function: "tenancy",
    name: "inherit-settings",
    schedule: "*/5 * * * *",
    about: "Applies platform settings to tenants that have not set their own.",
};

/// All jobs of this function.
pub static ALL: &[&Job] = &[
    &SEAL_AUDIT_LOG,
    &VERIFY_AUDIT_LOG,
    &APPLY_DUE_LICENSES,
    &COUNT_USAGE,
    &RECOUNT_USAGE,
    &CLOSE_TENANTS,
    &ERASE_CLOSED,
    &EXPIRING_KEYS,
    &CHECK_DOMAINS,
    &INHERIT_SETTINGS,
];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default()
        .job(&SEAL_AUDIT_LOG, |app: App, run| async move {
            seal_audit_log(&app, &run.request).await
        })
        .job(&VERIFY_AUDIT_LOG, |app, run| async move {
            verify_audit_log(&app, &run).await
        })
        .job(&APPLY_DUE_LICENSES, |app, run| async move {
            apply_due_licenses(&app, &run.request).await
        })
        .job(&COUNT_USAGE, |app, run| async move {
            count_usage(&app, &run.request).await
        })
        .job(&RECOUNT_USAGE, |app, run| async move {
            recount_usage(&app, &run.request).await
        })
        .job(&CLOSE_TENANTS, |app, run| async move {
            close_tenants::close_tenants(&app, &run).await
        })
        .job(&ERASE_CLOSED, |app: App, _run| async move {
            ERASURE.run(&app.db, app.state.clock().now()).await
        })
        .job(&EXPIRING_KEYS, |app, run| async move {
            expiring_keys::announce_expiring_keys(&app, &run).await
        })
        .job(&CHECK_DOMAINS, |app, run| async move {
            check_domains::check_domains(&app, &run).await
        })
        .job(&INHERIT_SETTINGS, |app, run| async move {
            inherit_settings::inherit_settings(&app, &run).await
        })
}

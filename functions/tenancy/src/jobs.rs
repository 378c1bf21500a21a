//! What has to happen without anybody asking. Each job may run at any time, any number of times, in many processes at once.

mod check_domains;
mod close_tenants;
mod count_usage;
mod expiring_keys;
mod inherit_settings;
mod seal_audit_log;
mod turn_licenses;
mod verify_audit_log;

pub(crate) use seal_audit_log::hex;

use events::{Job, Jobs};

use self::{
    count_usage::{count_usage, recount_usage},
    seal_audit_log::seal_audit_log,
    turn_licenses::turn_licenses,
    verify_audit_log::verify_audit_log,
};
use crate::{App, erasure::ERASURE};

static SEAL_AUDIT_LOG: Job = Job {
    function: "tenancy",
    name: "seal-audit-log",
    schedule: "* * * * *",
    about: "Seals what was added to the audit log into the chain of its tenant.",
};
static VERIFY_AUDIT_LOG: Job = Job {
    function: "tenancy",
    name: "verify-audit-log",
    schedule: "40 2 * * *",
    about: "Follows the chain of every tenant's audit log from end to end, and names each row that is not what was sealed.",
};
static TURN_LICENSES: Job = Job {
    function: "tenancy",
    name: "turn-licenses",
    schedule: "* * * * *",
    about: "Mirrors licences that have begun or ended.",
};
static COUNT_USAGE: Job = Job {
    function: "tenancy",
    name: "count-usage",
    schedule: "* * * * *",
    about: "Adds what was used to the counters, and warns tenants near their limits.",
};
static RECOUNT_USAGE: Job = Job {
    function: "tenancy",
    name: "recount-usage",
    schedule: "25 4 * * *",
    about: "Makes the counters anew from what was told, and says how many were wrong.",
};

static CLOSE_TENANTS: Job = Job {
    function: "tenancy",
    name: "close-tenants",
    schedule: "25 * * * *",
    about: "Closes tenants that have been closing for 30 days: from then on every credential is refused.",
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
    about: "Announces API keys that end within 14 days, each once.",
};
static CHECK_DOMAINS: Job = Job {
    function: "tenancy",
    name: "check-domains",
    schedule: "50 4 * * *",
    about: "Looks whether the proofs of verified domains are still there; lets go of those that were away for 7 days.",
};
static INHERIT_SETTINGS: Job = Job {
    function: "tenancy",
    name: "inherit-settings",
    schedule: "*/5 * * * *",
    about: "Brings settings of the platform to the tenants that have not chosen for themselves.",
};

/// Every job of this function.
pub static ALL: &[&Job] = &[
    &SEAL_AUDIT_LOG,
    &VERIFY_AUDIT_LOG,
    &TURN_LICENSES,
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
        .job(&SEAL_AUDIT_LOG, |app: App, _run| async move {
            seal_audit_log(&app).await
        })
        .job(&VERIFY_AUDIT_LOG, |app, run| async move {
            verify_audit_log(&app, &run).await
        })
        .job(&TURN_LICENSES, |app, _run| async move {
            turn_licenses(&app).await
        })
        .job(&COUNT_USAGE, |app, run| async move {
            count_usage(&app, &run.request).await
        })
        .job(&RECOUNT_USAGE, |app, _run| async move {
            recount_usage(&app).await
        })
        .job(&CLOSE_TENANTS, |app, run| async move {
            close_tenants::close_tenants(&app, &run).await
        })
        .job(&ERASE_CLOSED, |app: App, _run| async move {
            ERASURE.run(&app.db, app.gate.clock().now()).await
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

//! What has to happen without anybody asking. Each job may run at any time, any number of times, in many processes at once.

mod count_usage;
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
use crate::App;

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

/// Every job of this function.
pub static ALL: &[&Job] = &[
    &SEAL_AUDIT_LOG,
    &VERIFY_AUDIT_LOG,
    &TURN_LICENSES,
    &COUNT_USAGE,
    &RECOUNT_USAGE,
];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default()
        .job(&SEAL_AUDIT_LOG, |app: App, _run| async move {
            seal_audit_log(&app).await
        })
        .job(&VERIFY_AUDIT_LOG, |app, _run| async move {
            verify_audit_log(&app).await
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
}

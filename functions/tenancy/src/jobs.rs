//! What has to happen without anybody asking. Each job may run at any time, any number of times, in many processes at once.

mod seal_audit_log;
mod verify_audit_log;

pub(crate) use seal_audit_log::hex;

use events::{Job, Jobs};

use self::{seal_audit_log::seal_audit_log, verify_audit_log::verify_audit_log};
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

/// Every job of this function.
pub static ALL: &[&Job] = &[&SEAL_AUDIT_LOG, &VERIFY_AUDIT_LOG];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default()
        .job(&SEAL_AUDIT_LOG, |app: App, _run| async move {
            seal_audit_log(&app).await
        })
        .job(&VERIFY_AUDIT_LOG, |app, _run| async move {
            verify_audit_log(&app).await
        })
}

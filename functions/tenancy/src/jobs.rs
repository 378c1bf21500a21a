//! What happens without anybody asking.

mod check_domains;
mod close_tenants;
mod expiring_keys;
mod inherit_settings;

use events::{Job, Jobs};

use crate::{App, erasure::ERASURE};

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
    &CLOSE_TENANTS,
    &ERASE_CLOSED,
    &EXPIRING_KEYS,
    &CHECK_DOMAINS,
    &INHERIT_SETTINGS,
];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default()
        .job(&CLOSE_TENANTS, |app: App, run| async move {
            close_tenants::close_tenants(&app, &run.request).await
        })
        .job(&ERASE_CLOSED, |app: App, _run| async move {
            ERASURE.run(&app.db, app.gate.clock().now()).await
        })
        .job(&EXPIRING_KEYS, |app, run| async move {
            expiring_keys::announce_expiring_keys(&app, &run.request).await
        })
        .job(&CHECK_DOMAINS, |app, run| async move {
            check_domains::check_domains(&app, &run.request).await
        })
        .job(&INHERIT_SETTINGS, |app, _run| async move {
            inherit_settings::inherit_settings(&app).await
        })
}

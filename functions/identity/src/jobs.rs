//! Scheduled jobs. Each may run at any time, any number of times, and in several processes at once.

mod expire_sessions;
mod expiring_certificates;

use events::{Job, Jobs};

use self::{
    expire_sessions::expire_sessions, expiring_certificates::announce_expiring_certificates,
};
use crate::{App, erasure::ERASURE};

static ROTATE_SIGNING_KEYS: Job = Job {
    function: "identity",
    name: "rotate-signing-keys",
    schedule: "7 * * * *",
    about: "Rotates the signing key when it is old enough, and publishes the next one.",
};
static EXPIRE_SESSIONS: Job = Job {
    function: "identity",
    name: "expire-sessions",
    schedule: "20 3 * * *",
    about: "Deletes sessions, links and idempotency keys that ended long ago, and registrations that were not completed within 7 days.",
};
static EXPIRING_CERTIFICATES: Job = Job {
    function: "identity",
    name: "expiring-certificates",
    schedule: "30 5 * * *",
    about: "Publishes an event for each certificate that expires within 30 days.",
};
static ERASE_CLOSED: Job = Job {
    function: "identity",
    name: "erase-closed-tenants",
    schedule: "*/10 * * * *",
    about: "Erases the users of closed tenants and their data.",
};

/// Every job of this function.
pub static ALL: &[&Job] = &[
    &ROTATE_SIGNING_KEYS,
    &EXPIRE_SESSIONS,
    &EXPIRING_CERTIFICATES,
    &ERASE_CLOSED,
];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default()
        .job(&ROTATE_SIGNING_KEYS, |app: App, _run| async move {
            app.rotate_signing_keys().await
        })
        .job(&EXPIRE_SESSIONS, |app, run| async move {
            expire_sessions(&app, &run).await
        })
        .job(&EXPIRING_CERTIFICATES, |app, run| async move {
            announce_expiring_certificates(&app, &run).await
        })
        .job(&ERASE_CLOSED, |app: App, _run| async move {
            ERASURE.run(&app.db, app.state.clock().now()).await
        })
}

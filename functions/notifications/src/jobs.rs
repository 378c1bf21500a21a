//! Scheduled jobs.

use ::events::{Job, Jobs};

use crate::{App, erasure::ERASURE};

static ERASE_CLOSED: Job = Job {
    function: "notifications",
    name: "erase-closed-tenants",
    schedule: "*/10 * * * *",
    about: "Erases the messages of closed tenants.",
};

/// Every job of this function.
pub static ALL: &[&Job] = &[&ERASE_CLOSED];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default().job(&ERASE_CLOSED, |app: App, _run| async move {
        ERASURE.run(&app.db, app.state.clock().now()).await
    })
}

//! What happens here at fixed times.

mod count_usage;
mod turn_licenses;

use events::{Job, Jobs};

use self::{
    count_usage::{count_usage, recount_usage},
    turn_licenses::turn_licenses,
};
use crate::App;

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
pub static ALL: &[&Job] = &[&TURN_LICENSES, &COUNT_USAGE, &RECOUNT_USAGE];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default()
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

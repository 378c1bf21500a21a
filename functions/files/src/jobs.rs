//! What happens here at fixed times.

mod orphans;

use events::{Job, Jobs, Run};
use serde::Serialize;
use web::problem::Result;

use self::orphans::report_orphans;
use crate::{App, erasure::erase_closed, store::due};

/// Files that are looked at in one go.
const PORTION: i64 = 100;

static TEND_FILES: Job = Job {
    function: "files",
    name: "tend-files",
    schedule: "* * * * *",
    about: "Checks what waits for it, gives up uploads that stand still, removes the bytes of deleted files.",
};
static REPORT_ORPHANS: Job = Job {
    function: "files",
    name: "report-orphans",
    schedule: "50 2 * * *",
    about: "Counts objects that belong to no file, and files whose object is missing.",
};
static ERASE_CLOSED: Job = Job {
    function: "files",
    name: "erase-closed-tenants",
    schedule: "*/10 * * * *",
    about: "Erases the files of closed tenants, objects and rows.",
};

/// Every job of this function.
pub static ALL: &[&Job] = &[&TEND_FILES, &REPORT_ORPHANS, &ERASE_CLOSED];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default()
        .job(&TEND_FILES, |app, run| async move {
            tend_files(&app, &run).await
        })
        .job(&REPORT_ORPHANS, |app, _run| async move {
            report_orphans(&app).await
        })
        .job(&ERASE_CLOSED, |app, _run| async move {
            erase_closed(&app).await
        })
}

/// How many steps were taken.
#[derive(Debug, Default, Serialize)]
struct Tended {
    steps: u64,
    failures: u64,
}

async fn tend_files(app: &App, run: &Run) -> Result<Tended> {
    let mut tended = Tended::default();
    loop {
        let now = app.gate.clock().now();
        let mut tx = app.db.begin_unscoped().await?;
        let due = due::list_due(&mut tx, now, PORTION).await?;
        tx.commit().await?;
        let mut progress = false;
        for file in due {
            match app.step(file, &run.request).await {
                Ok(taken) => {
                    tended.steps += u64::from(taken);
                    progress |= taken;
                }
                // One that fails is due again when its claim has run out; the others don't wait for it.
                Err(problem) => {
                    tracing::warn!(code = problem.kind().code, "a file's step failed");
                    tended.failures += 1;
                    progress = true;
                }
            }
        }
        if !progress {
            return Ok(tended);
        }
    }
}

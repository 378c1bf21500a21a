//! Scheduled jobs.

mod orphans;

use events::{Job, Jobs, Run};
use serde::Serialize;
use web::problem::Result;

use self::orphans::report_orphans;
use crate::{App, erasure::erase_closed, store::due};

/// Number of due files loaded at once.
const BATCH_SIZE: i64 = 100;

static TEND_FILES: Job = Job {
    function: "files",
    name: "tend-files",
    schedule: "* * * * *",
    about: "Checks uploaded files, expires idle uploads and removes the content of deleted files.",
};
static REPORT_ORPHANS: Job = Job {
    function: "files",
    name: "report-orphans",
    schedule: "50 2 * * *",
    about: "Counts objects without a file, and files without an object.",
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
        .job(&REPORT_ORPHANS, |app, run| async move {
            report_orphans(&app, &run).await
        })
        .job(&ERASE_CLOSED, |app, _run| async move {
            erase_closed(&app).await
        })
}

/// The result of a run.
#[derive(Debug, Default, Serialize)]
struct TendReport {
    steps: u64,
    failures: u64,
}

async fn tend_files(app: &App, run: &Run) -> Result<TendReport> {
    let mut report = TendReport::default();
    loop {
        let now = app.state.clock().now();
        let mut tx = app.db.begin_unscoped().await?;
        let due = due::list_due(&mut tx, now, BATCH_SIZE).await?;
        tx.commit().await?;
        let mut progress = false;
        for file in due {
            match app.process_due(file, &run.request).await {
                Ok(is_processed) => {
                    report.steps += u64::from(is_processed);
                    progress |= is_processed;
                }
                // A file that fails is due again when its claim expires, and must not hold up the others.
                Err(problem) => {
                    tracing::warn!(code = problem.kind().code, "processing a file failed");
                    report.failures += 1;
                    progress = true;
                }
            }
        }
        if !progress {
            return Ok(report);
        }
    }
}

//! Scheduled jobs.

use chrono::TimeDelta;
use events::{Job, Jobs};
use serde::Serialize;
use web::problem::Result;

use crate::{App, store::retention};

/// How long published announcements are kept.
const OUTBOX_RETENTION: TimeDelta = TimeDelta::days(30);
/// How long inbox rows are kept; longer than an event can be redelivered.
const INBOX_RETENTION: TimeDelta = TimeDelta::days(60);
/// Rows of each kind deleted per transaction, so that no transaction is long.
const BATCH_SIZE: i32 = 5_000;

static TIDY_EVENTS: Job = Job {
    function: "relay",
    name: "tidy-events",
    schedule: "40 3 * * *",
    about: "Deletes announcements published over 30 days ago and inbox rows older than 60 days.",
};

/// Every job of this function.
pub static ALL: &[&Job] = &[&TIDY_EVENTS];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default().job(
        &TIDY_EVENTS,
        |app, _run| async move { tidy_events(&app).await },
    )
}

/// Numbers of deleted rows; the result of the job.
#[derive(Debug, Default, Serialize)]
struct DeletedRows {
    announcements: i64,
    receipts: i64,
}

async fn tidy_events(app: &App) -> Result<DeletedRows> {
    let now = app.state.clock().now();
    let mut total = DeletedRows::default();
    loop {
        let mut tx = app.db.begin_unscoped().await?;
        let (announcements, receipts) = retention::delete_expired(
            &mut tx,
            now - OUTBOX_RETENTION,
            now - INBOX_RETENTION,
            BATCH_SIZE,
        )
        .await?;
        tx.commit().await?;
        total.announcements += announcements;
        total.receipts += receipts;
        if announcements.max(receipts) < i64::from(BATCH_SIZE) {
            return Ok(total);
        }
    }
}

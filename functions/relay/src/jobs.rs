//! What happens here at fixed times.

use chrono::TimeDelta;
use events::{Job, Jobs};
use serde::Serialize;
use web::problem::Result;

use crate::{App, store::tidying};

/// How long what was delivered can still be looked at.
const PUBLISHED_FOR: TimeDelta = TimeDelta::days(30);
/// How long it is remembered that an event was taken: longer than anybody could bring it again.
const PROCESSED_FOR: TimeDelta = TimeDelta::days(60);
/// Rows of each kind that go at once, so that no transaction is long.
const PORTION: i32 = 5_000;

static TIDY_EVENTS: Job = Job {
    function: "relay",
    name: "tidy-events",
    schedule: "40 3 * * *",
    about: "Removes announcements that were delivered a month ago, and receipts of two months ago.",
};

/// Every job of this function.
pub static ALL: &[&Job] = &[&TIDY_EVENTS];

pub(crate) fn all() -> Jobs<App> {
    Jobs::default().job(
        &TIDY_EVENTS,
        |app, _run| async move { tidy_events(&app).await },
    )
}

/// How much went.
#[derive(Debug, Default, Serialize)]
struct Tidied {
    announcements: i64,
    receipts: i64,
}

async fn tidy_events(app: &App) -> Result<Tidied> {
    let now = app.gate.clock().now();
    let mut all = Tidied::default();
    loop {
        let mut tx = app.db.begin_unscoped().await?;
        let before = (now - PUBLISHED_FOR, now - PROCESSED_FOR);
        let (announcements, receipts) = tidying::tidy(&mut tx, before, PORTION).await?;
        tx.commit().await?;
        all.announcements += announcements;
        all.receipts += receipts;
        if announcements.max(receipts) < i64::from(PORTION) {
            return Ok(all);
        }
    }
}

//! Old rows, removed.

use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};

/// Removes up to `most` announcements and receipts that are older than these times, and answers how many went.
pub(crate) async fn tidy(
    tx: &mut UnscopedTx,
    (published_before, processed_before): (DateTime<Utc>, DateTime<Utc>),
    most: i32,
) -> Result<(i64, i64)> {
    let gone = sqlx::query!(
        r#"select announcements as "announcements!", receipts as "receipts!" from events.tidy($1, $2, $3)"#,
        published_before,
        processed_before,
        most,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((gone.announcements, gone.receipts))
}

//! Deletes rows that are past their retention period.

use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};

/// Deletes up to `max_rows` published announcements and inbox rows older than these times, and returns how many were deleted.
pub(crate) async fn delete_expired(
    tx: &mut UnscopedTx,
    published_before: DateTime<Utc>,
    processed_before: DateTime<Utc>,
    max_rows: i32,
) -> Result<(i64, i64)> {
    let deleted = sqlx::query!(
        r#"select announcements as "announcements!", receipts as "receipts!" from events.tidy($1, $2, $3)"#,
        published_before,
        processed_before,
        max_rows,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((deleted.announcements, deleted.receipts))
}

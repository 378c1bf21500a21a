//! Rows beside the objects that they name, for the report on what belongs to nothing.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::FileId;

/// Which of these files may have objects: those that can be read, and those with which something is still to be done.
pub(crate) async fn list_with_objects(tx: &mut TenantTx, files: &[FileId]) -> Result<Vec<FileId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select file_id as "file: FileId"
        from files.files
        where tenant_id = $1 and file_id = any($2) and (due_at is not null or status = 'clean')"#,
        tenant as _,
        files as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Those of these files that are settled, and with which nothing was to be done, are due.
pub(crate) async fn tidy_again(
    tx: &mut TenantTx,
    files: &[FileId],
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update files.files
        set due_at = $3
        where tenant_id = $1 and file_id = any($2) and due_at is null
            and status not in ('pending', 'scanning', 'scan_failed')",
        tenant as _,
        files as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The keys that must have an object, behind `after` and not behind `until`.
pub(crate) async fn list_keys(
    tx: &mut TenantTx,
    after: &str,
    until: Option<&str>,
) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    // Byte by byte, as stores sort their lists.
    Ok(sqlx::query_scalar!(
        r#"select object_key
        from files.files
        where tenant_id = $1 and status = 'clean' and object_key collate "C" > $2
            and ($3::text is null or object_key collate "C" <= $3)
        order by object_key collate "C""#,
        tenant as _,
        after,
        until,
    )
    .fetch_all(tx.conn())
    .await?)
}

//! SQL for comparing rows with objects in the store.

use crate::ids::FileId;
use db::{Result, TenantTx};

/// Those of these files that may have objects: clean files, and files that are due for processing.
pub(crate) async fn list_files_with_objects(
    tx: &mut TenantTx,
    files: &[FileId],
) -> Result<Vec<FileId>> {
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

/// Schedules another cleanup of those of these files that have nothing scheduled.
pub(crate) async fn schedule_cleanup(tx: &mut TenantTx, files: &[FileId]) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
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

/// The keys of clean files after `after`, up to and including `until`.
pub(crate) async fn list_object_keys(
    tx: &mut TenantTx,
    after: &str,
    until: Option<&str>,
) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    // Object stores sort keys by byte.
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

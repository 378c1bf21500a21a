//! SQL for background processing: files that are due, and the results of their checks.

use crate::ids::FileId;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx, UnscopedTx};
use ids::TenantId;

use crate::domain::file::Status;

/// A file that is due for processing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DueFile {
    pub(crate) tenant: TenantId,
    pub(crate) file: FileId,
}

/// A file that was claimed for processing.
#[derive(Clone, Debug)]
pub(crate) struct ClaimedFile {
    pub(crate) status: Status,
    pub(crate) attempts: i32,
}

/// Files of all tenants that are due.
pub(crate) async fn list_due(
    tx: &mut UnscopedTx,
    now: DateTime<Utc>,
    max_files: i64,
) -> Result<Vec<DueFile>> {
    Ok(sqlx::query_as!(
        DueFile,
        r#"select tenant_id as "tenant!: TenantId", file_id as "file!: FileId"
        from files.due_files($1, $2)"#,
        now,
        max_files,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// All tenants.
pub(crate) async fn list_tenants(tx: &mut UnscopedTx) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select files.tenant_ids() as "id!: TenantId""#)
            .fetch_all(tx.conn())
            .await?,
    )
}

/// Claims a due file until `until`.
pub(crate) async fn claim_file(
    tx: &mut TenantTx,
    file: FileId,
    until: DateTime<Utc>,
) -> Result<Option<ClaimedFile>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        ClaimedFile,
        r#"update files.files
        set due_at = $3, attempts = attempts + 1
        where tenant_id = $1 and file_id = $2 and due_at <= $4
        returning status as "status: Status", attempts"#,
        tenant as _,
        file as _,
        until,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The status of a claimed file, with its row locked. `None` if another process has claimed it since.
pub(crate) async fn lock_claimed_file(
    tx: &mut TenantTx,
    file: FileId,
    attempts: i32,
) -> Result<Option<Status>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select status as "status: Status"
        from files.files
        where tenant_id = $1 and file_id = $2 and attempts = $3
        for update"#,
        tenant as _,
        file as _,
        attempts,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Marks that previews are being generated. Returns `false` if that was attempted before.
pub(crate) async fn mark_previews_started(tx: &mut TenantTx, file: FileId) -> Result<bool> {
    let tenant = tx.tenant();
    let updated = sqlx::query!(
        "update files.files
        set previews_begun = true
        where tenant_id = $1 and file_id = $2 and not previews_begun",
        tenant as _,
        file as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// The result of a check.
#[derive(Debug)]
pub(crate) struct CheckResult<'a> {
    pub(crate) status: Status,
    pub(crate) failure: Option<&'a str>,
    pub(crate) size: i64,
    pub(crate) sha256: Option<&'a [u8]>,
    pub(crate) mime_type: Option<&'a str>,
    pub(crate) preview_widths: &'a [i32],
    /// When the file is due again.
    pub(crate) due_at: Option<DateTime<Utc>>,
}

/// Saves the result of a check.
pub(crate) async fn save_check_result(
    tx: &mut TenantTx,
    file: FileId,
    result: &CheckResult<'_>,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update files.files
        set status = $3, failure = $4, size = $5, sha256 = $6, mime_type = $7, preview_widths = $8, due_at = $9,
            updated_at = $10, version = version + 1
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        file as _,
        result.status as Status,
        result.failure,
        result.size,
        result.sha256,
        result.mime_type,
        result.preview_widths,
        result.due_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Schedules the next cleanup of a file that was just cleaned up, unless it was rescheduled in the meantime.
pub(crate) async fn finish_cleanup(
    tx: &mut TenantTx,
    file: FileId,
    claimed: &CleanupFile,
    until: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update files.files
        set due_at = $3
        where tenant_id = $1 and file_id = $2 and status = $4 and due_at = $5",
        tenant as _,
        file as _,
        due_at,
        claimed.status as Status,
        until,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Sets when a file is due; `None` means never.
pub(crate) async fn set_due_at(
    tx: &mut TenantTx,
    file: FileId,
    due_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update files.files
        set due_at = $3
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        file as _,
        due_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes the rows of an upload's parts.
pub(crate) async fn delete_parts(tx: &mut TenantTx, file: FileId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from files.parts
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        file as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A file that is neither pending nor being checked, whose surplus objects can be removed.
#[derive(Clone, Debug)]
pub(crate) struct CleanupFile {
    pub(crate) status: Status,
    pub(crate) object_key: String,
    /// When the signed upload URL was issued, if the file was uploaded directly to the object store.
    pub(crate) addressed_at: Option<DateTime<Utc>>,
}

/// Claims a file for cleanup until `until`, if it is due before then and no longer pending or being checked.
pub(crate) async fn claim_for_cleanup(
    tx: &mut TenantTx,
    file: FileId,
    until: DateTime<Utc>,
) -> Result<Option<CleanupFile>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        CleanupFile,
        r#"update files.files
        set due_at = $3
        where tenant_id = $1 and file_id = $2 and due_at <= $3
            and status not in ('pending', 'scanning', 'scan_failed')
        returning status as "status: Status", object_key, (
            select u.created_at
            from files.uploads u
            where u.tenant_id = $1 and u.file_id = $2 and u.protocol = 'put'
        ) as "addressed_at?""#,
        tenant as _,
        file as _,
        until,
    )
    .fetch_optional(tx.conn())
    .await?)
}

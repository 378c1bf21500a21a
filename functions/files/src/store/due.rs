//! What is due of all tenants, and the steps that nobody asks for.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx, UnscopedTx};
use ids::{FileId, TenantId};

use crate::domain::file::Status;

/// A file that is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) tenant: TenantId,
    pub(crate) file: FileId,
}

/// What was claimed of it.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) status: Status,
    pub(crate) attempts: i32,
}

/// The files that are due, of all tenants.
pub(crate) async fn list_due(
    tx: &mut UnscopedTx,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Due>> {
    Ok(sqlx::query_as!(
        Due,
        r#"select tenant_id as "tenant!: TenantId", file_id as "file!: FileId"
        from files.due_files($1, $2)"#,
        now,
        most,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Every tenant.
pub(crate) async fn list_tenants(tx: &mut UnscopedTx) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select files.tenant_ids() as "id!: TenantId""#)
            .fetch_all(tx.conn())
            .await?,
    )
}

/// Takes a file that is due: until `until` nobody else does.
pub(crate) async fn claim(
    tx: &mut TenantTx,
    file: FileId,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Claimed>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Claimed,
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

/// Where a file stands, for whoever claimed it for the `attempts`th time; `None` when somebody else has it by now.
pub(crate) async fn lock_claimed(
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

/// Notes that previews are begun; `false` when somebody had begun with them before.
pub(crate) async fn begin_previews(tx: &mut TenantTx, file: FileId) -> Result<bool> {
    let tenant = tx.tenant();
    let begun = sqlx::query!(
        "update files.files
        set previews_begun = true
        where tenant_id = $1 and file_id = $2 and not previews_begun",
        tenant as _,
        file as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// What a check found.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) status: Status,
    pub(crate) failure: Option<&'a str>,
    pub(crate) size: i64,
    pub(crate) sha256: Option<&'a [u8]>,
    pub(crate) mime_type: Option<&'a str>,
    pub(crate) preview_widths: &'a [i32],
    /// When the next step is due.
    pub(crate) due_at: Option<DateTime<Utc>>,
}

/// Writes what a check found.
pub(crate) async fn settle_file(
    tx: &mut TenantTx,
    file: FileId,
    finding: &Finding<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update files.files
        set status = $3, failure = $4, size = $5, sha256 = $6, mime_type = $7, preview_widths = $8, due_at = $9,
            updated_at = $10, version = version + 1
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        file as _,
        finding.status as Status,
        finding.failure,
        finding.size,
        finding.sha256,
        finding.mime_type,
        finding.preview_widths,
        finding.due_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// When a settled file is due that was tidied, unless somebody said so since it was found.
pub(crate) async fn set_tidied(
    tx: &mut TenantTx,
    file: FileId,
    (settled, until): (&Settled, DateTime<Utc>),
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
        settled.status as Status,
        until,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// When the next step of a file is due; `None`: never.
pub(crate) async fn set_due(
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

/// Forgets where the parts of an upload were.
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

/// A file with which nothing is to be done but to remove what it does not need.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) status: Status,
    pub(crate) object_key: String,
    /// Where the bytes came straight into the store: when the client's address for them was made.
    pub(crate) addressed_at: Option<DateTime<Utc>>,
}

/// A file that is settled and due before `until`; whoever asks has it until then.
pub(crate) async fn find_settled(
    tx: &mut TenantTx,
    file: FileId,
    until: DateTime<Utc>,
) -> Result<Option<Settled>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Settled,
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

//! SQL for uploads and their parts.

use crate::ids::FileId;
use chrono::{DateTime, Utc};
use db::{Actor, ActorKind, Result, TenantTx};

use crate::domain::{file::Status, media_type::Category};

web::text_enum! {
    /// The protocol of an upload.
    pub enum Protocol {
        /// One request with a multipart form.
        Form = "form",
        /// Resumable upload with tus 1.0.0.
        Tus = "tus",
        /// One `PUT` request directly to the object store.
        Put = "put",
    }
}

/// An upload, in progress or complete.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) status: Status,
    pub(crate) protocol: Protocol,
    pub(crate) category: Category,
    pub(crate) length: Option<i64>,
    pub(crate) received: i64,
    pub(crate) reserved: i64,
    pub(crate) parts: i32,
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// The `Upload-Metadata` of tus, as the client sent it.
    pub(crate) metadata: Option<String>,
}

/// The values of a new upload.
#[derive(Clone, Debug)]
pub(crate) struct NewUpload {
    pub(crate) protocol: Protocol,
    pub(crate) length: Option<i64>,
    pub(crate) reserved: i64,
    pub(crate) expected_sha256: Option<Vec<u8>>,
    /// The `Upload-Metadata` of tus, as the client sent it.
    pub(crate) metadata: Option<String>,
}

/// A stored part of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) begins_at: i64,
    pub(crate) size: i64,
    pub(crate) object_key: String,
}

/// Inserts an upload.
pub(crate) async fn insert_upload(
    tx: &mut TenantTx,
    file: FileId,
    upload: &NewUpload,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into files.uploads (tenant_id, file_id, protocol, length, reserved, expected_sha256, metadata, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant as _,
        file as _,
        upload.protocol as Protocol,
        upload.length,
        upload.reserved,
        upload.expected_sha256,
        upload.metadata,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An upload that `actor` started.
pub(crate) async fn find_upload(
    tx: &mut TenantTx,
    actor: Actor,
    file: FileId,
) -> Result<Option<Upload>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Upload,
        r#"select
            f.status as "status: Status", u.protocol as "protocol: Protocol",
            f.category as "category: Category", u.length, u.received, u.reserved, u.parts, f.due_at, u.metadata
        from files.uploads u
        join files.files f on f.tenant_id = u.tenant_id and f.file_id = u.file_id
        where u.tenant_id = $1 and u.file_id = $2 and f.created_by_kind = $3 and f.created_by_id = $4"#,
        tenant as _,
        file as _,
        actor.kind as ActorKind,
        actor.id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The same, with the file's row locked until the transaction ends.
pub(crate) async fn lock_upload(
    tx: &mut TenantTx,
    actor: Actor,
    file: FileId,
) -> Result<Option<Upload>> {
    let tenant = tx.tenant();
    // Lock the file first, in the same order as everything that completes or cancels an upload.
    sqlx::query_scalar!(
        "select version
        from files.files
        where tenant_id = $1 and file_id = $2
        for update",
        tenant as _,
        file as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    find_upload(tx, actor, file).await
}

/// Appends a part that is durable in the store. The caller holds the upload's lock and has checked the offset.
pub(crate) async fn append_part(
    tx: &mut TenantTx,
    file: FileId,
    part: &Part,
    reserved: i64,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into files.parts (tenant_id, file_id, begins_at, size, object_key)
        values ($1, $2, $3, $4, $5)",
        tenant as _,
        file as _,
        part.begins_at,
        part.size,
        part.object_key,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "update files.uploads
        set received = received + $3, reserved = reserved + $4, parts = parts + 1
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        file as _,
        part.size,
        reserved,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Sets the length of an upload and reserves more storage for it.
pub(crate) async fn set_length(
    tx: &mut TenantTx,
    file: FileId,
    length: i64,
    reserved: i64,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update files.uploads
        set length = $3, reserved = reserved + $4
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        file as _,
        length,
        reserved,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Extends the time until an idle upload expires.
pub(crate) async fn extend_upload(
    tx: &mut TenantTx,
    file: FileId,
    due_at: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update files.files
        set due_at = $3
        where tenant_id = $1 and file_id = $2 and status = 'pending'",
        tenant as _,
        file as _,
        due_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Completes an upload and schedules its check. Returns whether it was pending.
pub(crate) async fn finish_upload(tx: &mut TenantTx, file: FileId) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let finished = sqlx::query!(
        "update files.files
        set status = 'scanning', due_at = $3, updated_at = $3, version = version + 1
        where tenant_id = $1 and file_id = $2 and status = 'pending'",
        tenant as _,
        file as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(finished.rows_affected() == 1)
}

/// What the client declared about the content.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedContent {
    pub(crate) length: Option<i64>,
    pub(crate) expected_sha256: Option<Vec<u8>>,
}

/// The length and SHA-256 that the client declared.
pub(crate) async fn find_expected_content(
    tx: &mut TenantTx,
    file: FileId,
) -> Result<ExpectedContent> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        ExpectedContent,
        "select length, expected_sha256
        from files.uploads
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        file as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The parts of an upload, in order.
pub(crate) async fn list_parts(tx: &mut TenantTx, file: FileId) -> Result<Vec<Part>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Part,
        "select begins_at, size, object_key
        from files.parts
        where tenant_id = $1 and file_id = $2
        order by begins_at",
        tenant as _,
        file as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

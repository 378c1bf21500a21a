//! SQL for files.

use crate::ids::FileId;
use access::{
    Reach,
    file_grant::{FileGrant, Resource, ResourceType},
    list::{IdType, Order, Source, push_any},
};
use chrono::{DateTime, Utc};
use db::{Actor, ActorKind, Result, TenantTx};
use ids::UserId;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::domain::{file::Status, media_type::Category};

/// A file.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct FileRow {
    #[sqlx(rename = "file_id")]
    pub(crate) id: FileId,
    pub(crate) name: String,
    pub(crate) original_name: String,
    pub(crate) category: Category,
    resource_type: Option<ResourceType>,
    resource_id: Option<Uuid>,
    pub(crate) internal: bool,
    pub(crate) status: Status,
    pub(crate) failure: Option<String>,
    pub(crate) size: i64,
    pub(crate) mime_type: Option<String>,
    pub(crate) sha256: Option<Vec<u8>>,
    pub(crate) preview_widths: Vec<i32>,
    created_by_kind: ActorKind,
    created_by_id: Option<Uuid>,
    pub(crate) revision: i32,
    pub(crate) revision_of: Option<FileId>,
    pub(crate) retention_until: Option<DateTime<Utc>>,
    pub(crate) version: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    /// The key of the checked content in the object store.
    pub(crate) object_key: String,
}

impl FileRow {
    /// The resource that the file is attached to.
    pub(crate) fn resource(&self) -> Option<Resource> {
        Some(Resource {
            r#type: self.resource_type?,
            id: self.resource_id?,
        })
    }

    /// Who uploaded the file.
    pub(crate) fn owner(&self) -> Actor {
        Actor {
            kind: self.created_by_kind,
            id: self.created_by_id,
        }
    }

    /// The first revision, which identifies the document.
    pub(crate) fn first_revision(&self) -> FileId {
        self.revision_of.unwrap_or(self.id)
    }
}

/// Which files a caller can see: their own in any status, clean ones within their reach, and clean ones of the resource that a
/// grant covers.
#[derive(Clone, Debug)]
pub(crate) struct ViewerScope {
    /// The caller.
    pub(crate) actor: Actor,
    /// The caller's reach.
    pub(crate) reach: Reach,
    /// The grant presented by the caller.
    pub(crate) grant: Option<FileGrant>,
}

/// The values of a new file.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) id: FileId,
    pub(crate) name: String,
    pub(crate) category: Category,
    pub(crate) resource: Option<Resource>,
    pub(crate) internal: bool,
    pub(crate) revision_of: Option<FileId>,
    pub(crate) object_key: String,
    /// When the upload expires.
    pub(crate) due_at: DateTime<Utc>,
}

/// Filters of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileFilter {
    pub(crate) resources: Option<Vec<Resource>>,
    pub(crate) category: Option<Vec<Category>>,
    /// All revisions of this document; otherwise only the newest of each.
    pub(crate) revision_of: Option<FileId>,
}

const COLUMNS: &str = "f.file_id, f.name, f.original_name, f.category, f.resource_type, f.resource_id, f.internal,
    f.status, f.failure, f.size, f.mime_type, f.sha256, f.preview_widths, f.created_by_kind, f.created_by_id, f.revision,
    f.revision_of, f.retention_until, f.version, f.created_at, f.updated_at, f.object_key";

/// Files.
pub(crate) const FILES: Source = Source {
    name: "files",
    columns: COLUMNS,
    from: "files.files f",
    tenant: "f.tenant_id",
    id: "f.file_id",
    id_type: IdType::Uuid,
    changed_at: "f.updated_at",
    version: "f.version",
    gone: "f.status = 'deleted'",
};
pub(crate) const NEWEST_FIRST: Order = Order {
    keys: &[("f.created_at", "timestamptz")],
    descending: true,
};

/// The files of the tenant that are not deleted.
fn stored_files(tx: &TenantTx) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(COLUMNS)
        .push(" from files.files f where f.tenant_id = ");
    query.push_bind(tx.tenant());
    query.push(" and f.status <> 'deleted'");
    query
}

/// Restricts the files to those that the viewer can see.
pub(crate) fn push_visible(query: &mut QueryBuilder<Postgres>, viewer: &ViewerScope) {
    query.push(" and ((f.created_by_kind = ");
    query.push_bind(viewer.actor.kind);
    query.push(" and f.created_by_id = ");
    query.push_bind(viewer.actor.id);
    query.push(") or (f.status in ('clean', 'deleted') and (");
    query.push_bind(viewer.reach == Reach::All);
    if let Some(grant) = &viewer.grant {
        query.push(" or (f.resource_type = ");
        query.push_bind(grant.resource.r#type);
        query.push(" and f.resource_id = ");
        query.push_bind(grant.resource.id);
        query.push(" and (not f.internal or ");
        query.push_bind(grant.internal);
        query.push("))");
    }
    query.push(")))");
}

/// Restricts the files to those that match.
pub(crate) fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &FileFilter) {
    if let Some(resources) = &filter.resources {
        query.push(" and (false");
        for resource in resources {
            query.push(" or (f.resource_type = ");
            query.push_bind(resource.r#type);
            query.push(" and f.resource_id = ");
            query.push_bind(resource.id).push(")");
        }
        query.push(")");
    }
    push_any(query, "f.category", filter.category.as_ref());
    match filter.revision_of {
        Some(first) => {
            query.push(" and (f.file_id = ").push_bind(first);
            query.push(" or f.revision_of = ").push_bind(first);
            query.push(")");
        }
        None => {
            query.push(" and f.superseded_at is null");
        }
    }
}

/// A file that the caller can see.
pub(crate) async fn find_file(
    tx: &mut TenantTx,
    viewer: &ViewerScope,
    id: FileId,
) -> Result<Option<FileRow>> {
    let mut query = stored_files(tx);
    push_visible(&mut query, viewer);
    query.push(" and f.file_id = ").push_bind(id);
    let row = query.build().fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| FileRow::from_row(&row)).transpose()?)
}

/// The same, with the row locked until the transaction ends.
pub(crate) async fn lock_file(
    tx: &mut TenantTx,
    viewer: &ViewerScope,
    id: FileId,
) -> Result<Option<FileRow>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version
        from files.files
        where tenant_id = $1 and file_id = $2
        for update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    find_file(tx, viewer, id).await
}

/// A file regardless of the caller, for background processing and signed URLs.
pub(crate) async fn find_file_unscoped(tx: &mut TenantTx, id: FileId) -> Result<Option<FileRow>> {
    let mut query = stored_files(tx);
    query.push(" and f.file_id = ");
    query.push_bind(id);
    let row = query.build().fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| FileRow::from_row(&row)).transpose()?)
}

/// A person's avatar.
pub(crate) async fn find_avatar(tx: &mut TenantTx, user: UserId) -> Result<Option<FileRow>> {
    let mut query = stored_files(tx);
    query.push(
        " and f.status = 'clean' and f.category = 'avatar' and f.resource_type = 'user' and f.resource_id = ",
    );
    query.push_bind(user);
    query.push(" order by f.created_at desc, f.file_id desc limit 1");
    let row = query.build().fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| FileRow::from_row(&row)).transpose()?)
}

/// Inserts a file whose content is still to be uploaded. A revision gets the next number of its document.
pub(crate) async fn insert_file(tx: &mut TenantTx, file: &NewFile) -> Result<()> {
    let (tenant, actor, now) = (tx.tenant(), tx.actor(), tx.now());
    let resource = file.resource.as_ref();
    sqlx::query!(
        "insert into files.files (
            tenant_id, file_id, created_by_kind, created_by_id, resource_type, resource_id, internal, category,
            name, original_name, object_key, revision_of, revision, due_at, created_at, updated_at
        )
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11::uuid,
            case when $11 is null then 1 else 1 + coalesce(
                (select max(f.revision) from files.files f where f.tenant_id = $1 and f.revision_of = $11), 1
            ) end,
            $12, $13, $13",
        tenant as _,
        file.id as _,
        actor.kind as ActorKind,
        actor.id,
        resource.map(|resource| resource.r#type) as Option<ResourceType>,
        resource.map(|resource| resource.id),
        file.internal,
        file.category as Category,
        file.name,
        file.object_key,
        file.revision_of as _,
        file.due_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Updates the name and the retention of a file.
pub(crate) async fn update_file(
    tx: &mut TenantTx,
    id: FileId,
    name: &str,
    retention_until: Option<DateTime<Utc>>,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update files.files
        set name = $3, retention_until = $4, updated_at = $5, version = version + 1
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        id as _,
        name,
        retention_until,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks a file as deleted; its content is removed at `purge_at`.
pub(crate) async fn delete_file(
    tx: &mut TenantTx,
    id: FileId,
    purge_at: DateTime<Utc>,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update files.files
        set status = 'deleted', deleted_at = $3, due_at = $4, updated_at = $3, version = version + 1
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        id as _,
        now,
        purge_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks earlier revisions of a document as superseded, and deletes a person's earlier avatars. Returns the deleted files.
pub(crate) async fn supersede_revisions(
    tx: &mut TenantTx,
    newest: &FileRow,
) -> Result<Vec<FileId>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    if let Some(first) = newest.revision_of {
        sqlx::query!(
            "update files.files
            set superseded_at = $4
            where tenant_id = $1 and (file_id = $2 or revision_of = $2) and revision < $3 and superseded_at is null",
            tenant as _,
            first as _,
            newest.revision,
            now,
        )
        .execute(tx.conn())
        .await?;
    }
    if newest.category != Category::Avatar {
        return Ok(Vec::new());
    }
    let resource = newest.resource();
    Ok(sqlx::query_scalar!(
        r#"update files.files
        set status = 'deleted', deleted_at = $5, due_at = $4, updated_at = $5, version = version + 1
        where tenant_id = $1 and category = 'avatar' and resource_type = 'user' and resource_id = $2
            and file_id < $3 and status = 'clean'
        returning file_id as "id: FileId""#,
        tenant as _,
        resource.map(|resource| resource.id),
        newest.id as _,
        now,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Makes the newest remaining revision of a document its current one.
pub(crate) async fn restore_newest_revision(tx: &mut TenantTx, first: FileId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update files.files
        set superseded_at = null
        where tenant_id = $1 and superseded_at is not null and file_id = (
            select f.file_id
            from files.files f
            where f.tenant_id = $1 and (f.file_id = $2 or f.revision_of = $2) and f.status = 'clean'
            order by f.revision desc
            limit 1
        )",
        tenant as _,
        first as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The size of a file, deleted or not.
pub(crate) async fn find_file_size(tx: &mut TenantTx, id: FileId) -> Result<i64> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select size
        from files.files
        where tenant_id = $1 and file_id = $2",
        tenant as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

//! Files in SQL.

use access::{
    Reach,
    file_grant::{FileGrant, Resource, ResourceType},
};
use chrono::{DateTime, Utc};
use db::{Actor, ActorKind, Result, TenantTx};
use ids::{FileId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use web::Limit;

use crate::domain::{file::File, kind::Category};

/// Which files a caller sees: their own, whatever their state; clean ones within their reach; clean ones of the thing that a
/// grant names.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// Who looks.
    pub(crate) actor: Actor,
    /// How far they may look.
    pub(crate) reach: Reach,
    /// What else was opened to them.
    pub(crate) grant: Option<FileGrant>,
}

/// What a new row says.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) id: FileId,
    pub(crate) name: String,
    pub(crate) category: Category,
    pub(crate) resource: Option<Resource>,
    pub(crate) internal: bool,
    pub(crate) revision_of: Option<FileId>,
    pub(crate) object_key: String,
    /// When it is given up if its bytes have not come.
    pub(crate) due_at: DateTime<Utc>,
}

/// Where a page ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) id: FileId,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) resource: Option<Resource>,
    pub(crate) category: Option<Category>,
    /// All revisions of this one; without it only the newest of each.
    pub(crate) revision_of: Option<FileId>,
}

const COLUMNS: &str = "select f.file_id, f.name, f.original_name, f.category, f.resource_type, f.resource_id, f.internal,
    f.status, f.failure, f.size, f.mime_type, f.sha256, f.preview_widths, f.created_by_kind, f.created_by_id, f.revision,
    f.revision_of, f.retention_until, f.version, f.created_at, f.updated_at, f.object_key
from files.files f
where f.tenant_id = ";

fn seen(tx: &TenantTx, sight: &Sight) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push_bind(tx.tenant());
    query.push(" and f.status <> 'deleted' and ((f.created_by_kind = ");
    query.push_bind(sight.actor.kind);
    query.push(" and f.created_by_id = ");
    query.push_bind(sight.actor.id);
    query.push(") or (f.status = 'clean' and (");
    query.push_bind(sight.reach == Reach::All);
    if let Some(grant) = &sight.grant {
        query.push(" or (f.resource_type = ");
        query.push_bind(grant.resource.r#type);
        query.push(" and f.resource_id = ");
        query.push_bind(grant.resource.id);
        query.push(" and (not f.internal or ");
        query.push_bind(grant.internal);
        query.push("))");
    }
    query.push(")))");
    query
}

/// A file that the caller sees.
pub(crate) async fn find_file(
    tx: &mut TenantTx,
    sight: &Sight,
    id: FileId,
) -> Result<Option<File>> {
    let mut query = seen(tx, sight);
    query.push(" and f.file_id = ").push_bind(id);
    let row = query.build().fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| File::from_row(&row)).transpose()?)
}

/// The same, and nobody else changes it until this transaction ends.
pub(crate) async fn lock_file(
    tx: &mut TenantTx,
    sight: &Sight,
    id: FileId,
) -> Result<Option<File>> {
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
    find_file(tx, sight, id).await
}

/// A file whoever asks: for what was decided before, by a signature or by the check.
pub(crate) async fn find_any_file(tx: &mut TenantTx, id: FileId) -> Result<Option<File>> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tx.tenant());
    query.push(" and f.status <> 'deleted' and f.file_id = ");
    query.push_bind(id);
    let row = query.build().fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| File::from_row(&row)).transpose()?)
}

/// The picture of a person.
pub(crate) async fn find_avatar(tx: &mut TenantTx, user: UserId) -> Result<Option<File>> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tx.tenant());
    query.push(
        " and f.status = 'clean' and f.category = 'avatar' and f.resource_type = 'user' and f.resource_id = ",
    );
    query.push_bind(user);
    query.push(" order by f.created_at desc, f.file_id desc limit 1");
    let row = query.build().fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| File::from_row(&row)).transpose()?)
}

/// A page of files, the newest first (one more row than the page has).
pub(crate) async fn list_files(
    tx: &mut TenantTx,
    sight: &Sight,
    filter: &Filter,
    after: Option<&Position>,
    limit: Limit,
) -> Result<Vec<File>> {
    let mut query = seen(tx, sight);
    if let Some(resource) = &filter.resource {
        query.push(" and f.resource_type = ");
        query.push_bind(resource.r#type);
        query.push(" and f.resource_id = ");
        query.push_bind(resource.id);
    }
    if let Some(category) = filter.category {
        query.push(" and f.category = ").push_bind(category);
    }
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
    if let Some(after) = after {
        query.push(" and (f.created_at, f.file_id) < (");
        query.push_bind(after.created_at);
        query.push(", ").push_bind(after.id).push(")");
    }
    query.push(" order by f.created_at desc, f.file_id desc limit ");
    query.push_bind(limit.rows());
    let rows = query.build().fetch_all(tx.conn()).await?;
    Ok(rows
        .iter()
        .map(File::from_row)
        .collect::<sqlx::Result<_>>()?)
}

/// Writes the row of a file whose bytes are to come. A revision gets the next number of its document.
pub(crate) async fn insert_file(
    tx: &mut TenantTx,
    file: &NewFile,
    now: DateTime<Utc>,
) -> Result<()> {
    let (tenant, actor) = (tx.tenant(), tx.actor());
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

/// Writes another name and another end of its retention.
pub(crate) async fn update_file(
    tx: &mut TenantTx,
    id: FileId,
    name: &str,
    retention_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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

/// Marks a file as deleted; its bytes go at `purge_at`.
pub(crate) async fn delete_file(
    tx: &mut TenantTx,
    id: FileId,
    purge_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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

/// The earlier revisions of a document are no longer its newest; of a person's pictures only the newest stays.
pub(crate) async fn supersede(
    tx: &mut TenantTx,
    newest: &File,
    purge_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<FileId>> {
    let tenant = tx.tenant();
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
    let resource = newest.resource.resource();
    Ok(sqlx::query_scalar!(
        r#"update files.files
        set status = 'deleted', deleted_at = $5, due_at = $4, updated_at = $5, version = version + 1
        where tenant_id = $1 and category = 'avatar' and resource_type = 'user' and resource_id = $2
            and file_id < $3 and status = 'clean'
        returning file_id as "id: FileId""#,
        tenant as _,
        resource.map(|resource| resource.id),
        newest.id as _,
        purge_at,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The newest revision that a document still has is its newest, whatever came after it.
pub(crate) async fn restore_newest(tx: &mut TenantTx, first: FileId) -> Result<()> {
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

/// The bytes that a deleted file had.
pub(crate) async fn find_deleted_size(tx: &mut TenantTx, id: FileId) -> Result<i64> {
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

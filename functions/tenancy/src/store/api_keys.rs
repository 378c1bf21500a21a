//! API keys. Only the hash of a secret is stored; a revoked key stays as a row, and is gone for every reader.

use chrono::{DateTime, Utc};
use db::{ActorKind, DbError, Result, TenantTx};
use ids::ApiKeyId;
use uuid::Uuid;

/// A key as it is stored, without its hash.
#[derive(Clone, Debug)]
pub struct ApiKeyRow {
    pub id: ApiKeyId,
    pub name: String,
    pub scopes: Vec<String>,
    pub ip_ranges: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_by_kind: ActorKind,
    pub created_by_id: Option<Uuid>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The keys that are not revoked, newest first, behind `after`.
pub async fn list(tx: &mut TenantTx, after: Option<ApiKeyId>, rows: i64) -> Result<Vec<ApiKeyRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        ApiKeyRow,
        r#"select
            api_key_id as "id: ApiKeyId", name, scopes, ip_ranges, expires_at, last_used_at,
            created_by_kind as "created_by_kind: ActorKind", created_by_id, version, created_at, updated_at
        from access.api_keys
        where tenant_id = $1 and revoked_at is null and ($2::uuid is null or api_key_id < $2)
        order by api_key_id desc
        limit $3"#,
        tenant as _,
        after as _,
        rows,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)
}

/// A key that is not revoked.
pub async fn find(tx: &mut TenantTx, id: ApiKeyId) -> Result<Option<ApiKeyRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        ApiKeyRow,
        r#"select
            api_key_id as "id: ApiKeyId", name, scopes, ip_ranges, expires_at, last_used_at,
            created_by_kind as "created_by_kind: ActorKind", created_by_id, version, created_at, updated_at
        from access.api_keys
        where tenant_id = $1 and api_key_id = $2 and revoked_at is null"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)
}

/// Stores a new one.
pub async fn insert(tx: &mut TenantTx, row: &ApiKeyRow, secret_hash: &[u8]) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into access.api_keys (
            tenant_id, api_key_id, name, secret_hash, scopes, ip_ranges, expires_at,
            created_by_kind, created_by_id, version, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant as _,
        row.id as _,
        row.name,
        secret_hash,
        &row.scopes,
        &row.ip_ranges,
        row.expires_at,
        row.created_by_kind.as_str(),
        row.created_by_id,
        row.version,
        row.created_at,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Revokes one, and answers with its name and version; `None` when there is none that could be revoked.
pub async fn revoke(
    tx: &mut TenantTx,
    id: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<Option<(String, i32)>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "update access.api_keys
        set revoked_at = $3, updated_at = $3, version = version + 1
        where tenant_id = $1 and api_key_id = $2 and revoked_at is null
        returning name, version",
        tenant as _,
        id as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.name, row.version)))
}

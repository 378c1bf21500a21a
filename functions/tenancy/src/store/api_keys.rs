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
    pub requests_per_minute: Option<i32>,
    pub previous_until: Option<DateTime<Utc>>,
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
            api_key_id as "id: ApiKeyId", name, scopes, ip_ranges, expires_at, requests_per_minute, previous_until, last_used_at,
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
            api_key_id as "id: ApiKeyId", name, scopes, ip_ranges, expires_at, requests_per_minute, previous_until, last_used_at,
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

/// The same, and nobody else changes it before the transaction ends.
pub async fn lock(tx: &mut TenantTx, id: ApiKeyId) -> Result<Option<ApiKeyRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        ApiKeyRow,
        r#"select
            api_key_id as "id: ApiKeyId", name, scopes, ip_ranges, expires_at, requests_per_minute, previous_until, last_used_at,
            created_by_kind as "created_by_kind: ActorKind", created_by_id, version, created_at, updated_at
        from access.api_keys
        where tenant_id = $1 and api_key_id = $2 and revoked_at is null
        for update"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)
}

/// Stores what may change of one. Another end is announced anew.
pub async fn update(tx: &mut TenantTx, row: &ApiKeyRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.api_keys
        set name = $3, ip_ranges = $4, expires_at = $5, requests_per_minute = $6, version = $7, updated_at = $8,
            expiry_noticed_at = case when expires_at is not distinct from $5 then expiry_noticed_at end
        where tenant_id = $1 and api_key_id = $2",
        tenant as _,
        row.id as _,
        row.name,
        &row.ip_ranges,
        row.expires_at,
        row.requests_per_minute,
        row.version,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores the hash of another secret. The one before stays good until `previous_until`, if that is set; one before that one
/// is worth nothing.
pub async fn rotate(tx: &mut TenantTx, row: &ApiKeyRow, secret_hash: &[u8]) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.api_keys
        set previous_secret_hash = case when $4::timestamptz is not null then secret_hash end,
            previous_until = $4, secret_hash = $3, version = $5, updated_at = $6
        where tenant_id = $1 and api_key_id = $2",
        tenant as _,
        row.id as _,
        secret_hash,
        row.previous_until,
        row.version,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A key that ends soon.
#[derive(Debug)]
pub struct Expiring {
    pub id: ApiKeyId,
    pub version: i32,
    pub expires_at: DateTime<Utc>,
}

/// Notes the keys that end between `now` and `until` and have not been noted: each is answered once, however many ask.
pub async fn note_expiring(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Expiring>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        Expiring,
        r#"update access.api_keys
        set expiry_noticed_at = $2
        where tenant_id = $1 and revoked_at is null and expiry_noticed_at is null and expires_at > $2 and expires_at <= $3
        returning api_key_id as "id: ApiKeyId", version, expires_at as "expires_at!""#,
        tenant as _,
        now,
        until,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)
}

/// Revokes all of a tenant that closes.
pub async fn revoke_all(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.api_keys
        set revoked_at = $2, updated_at = $2, version = version + 1
        where tenant_id = $1 and revoked_at is null",
        tenant as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores a new one.
pub async fn insert(tx: &mut TenantTx, row: &ApiKeyRow, secret_hash: &[u8]) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into access.api_keys (
            tenant_id, api_key_id, name, secret_hash, scopes, ip_ranges, expires_at,
            created_by_kind, created_by_id, version, created_at, updated_at, requests_per_minute
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
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
        row.requests_per_minute,
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

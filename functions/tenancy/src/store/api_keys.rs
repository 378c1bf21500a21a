//! API keys. Only hashes of secrets are stored. Revoked keys stay as rows that are not returned.

use access::list::{IdType, Order, Source};
use chrono::{DateTime, Utc};
use db::{ActorKind, DbError, Result, TenantTx};
use ids::ApiKeyId;
use sqlx::FromRow;
use uuid::Uuid;

/// A stored key, without its hash.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ApiKeyRow {
    pub(crate) id: ApiKeyId,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) ip_ranges: Vec<String>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) requests_per_minute: Option<i32>,
    pub(crate) previous_until: Option<DateTime<Utc>>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    pub(crate) created_by_kind: ActorKind,
    pub(crate) created_by_id: Option<Uuid>,
    pub(crate) version: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// Keys.
pub(crate) const API_KEYS: Source = Source {
    name: "api-keys",
    columns: "k.api_key_id as id, k.name, k.scopes, k.ip_ranges, k.expires_at, k.requests_per_minute, k.previous_until, k.last_used_at,
        k.created_by_kind, k.created_by_id, k.version, k.created_at, k.updated_at",
    from: "access.api_keys k",
    tenant: "k.tenant_id",
    id: "k.api_key_id",
    id_type: IdType::Uuid,
    changed_at: "k.updated_at",
    version: "k.version",
    gone: "k.revoked_at is not null",
};
pub(crate) const NEWEST_FIRST: Order = Order {
    keys: &[],
    descending: true,
};

/// Finds a key that is not revoked.
pub(crate) async fn find_api_key(tx: &mut TenantTx, id: ApiKeyId) -> Result<Option<ApiKeyRow>> {
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

/// Like [`find_api_key`], and locks the row.
pub(crate) async fn lock_api_key(tx: &mut TenantTx, id: ApiKeyId) -> Result<Option<ApiKeyRow>> {
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

/// Updates the fields that can change. A new expiry is announced again.
pub(crate) async fn update_api_key(tx: &mut TenantTx, row: &ApiKeyRow) -> Result<()> {
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

/// Stores the hash of a new secret. The current one stays valid until `previous_until`, if set; the one before it is
/// dropped.
pub(crate) async fn rotate_api_key(
    tx: &mut TenantTx,
    row: &ApiKeyRow,
    secret_hash: &[u8],
) -> Result<()> {
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

/// A key that expires soon.
#[derive(Debug)]
pub(crate) struct ExpiringApiKey {
    pub(crate) id: ApiKeyId,
    pub(crate) version: i32,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Marks and returns the keys that expire between `now` and `until` and were not marked before. Concurrent calls return
/// each key once.
pub(crate) async fn mark_expiring_api_keys(
    tx: &mut TenantTx,
    until: DateTime<Utc>,
) -> Result<Vec<ExpiringApiKey>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query_as!(
        ExpiringApiKey,
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

/// Revokes all keys of the tenant.
pub(crate) async fn revoke_all_api_keys(tx: &mut TenantTx) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
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

/// Inserts a key.
pub(crate) async fn insert_api_key(
    tx: &mut TenantTx,
    row: &ApiKeyRow,
    secret_hash: &[u8],
) -> Result<()> {
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

/// Revokes a key and returns its name and version; `None` if there is no such key or it was revoked before.
pub(crate) async fn revoke_api_key(
    tx: &mut TenantTx,
    id: ApiKeyId,
) -> Result<Option<(String, i32)>> {
    let (tenant, now) = (tx.tenant(), tx.now());
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

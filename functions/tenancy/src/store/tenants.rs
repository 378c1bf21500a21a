//! Master data.

use access::TenantStatus;
use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx, UnscopedTx};
use ids::TenantId;

use crate::domain::license::LicenseType;

/// A tenant as it is stored.
#[derive(Clone, Debug)]
pub struct TenantRow {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub email: String,
    pub domain: Option<String>,
    pub status: TenantStatus,
    /// `None`: since it was founded.
    pub status_since: Option<DateTime<Utc>>,
    pub status_reason: Option<String>,
    pub closes_at: Option<DateTime<Utc>>,
    pub license_type: LicenseType,
    pub max_users: i32,
    pub region: String,
    pub locale: String,
    pub time_zone: String,
    pub currency: String,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which tenants a list shows, and behind which one it goes on.
#[derive(Clone, Debug, Default)]
pub struct TenantFilter<'a> {
    pub status: Option<TenantStatus>,
    pub search: Option<&'a str>,
    pub after: Option<(DateTime<Utc>, TenantId)>,
}

/// The tenant `wanted`, if it is the transaction's.
pub async fn find(tx: &mut TenantTx, wanted: TenantId) -> Result<Option<TenantRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        TenantRow,
        r#"select
            tenant_id as "id: TenantId", slug, name, email, domain,
            status as "status: TenantStatus", status_since, status_reason, closes_at,
            license_type as "license_type: LicenseType",
            max_users, region, locale, time_zone, currency, version, created_at, updated_at
        from tenancy.tenants
        where tenant_id = $1 and tenant_id = $2"#,
        tenant as _,
        wanted as _,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)
}

/// The same, and nobody else changes it before the transaction ends.
pub async fn lock(tx: &mut TenantTx, wanted: TenantId) -> Result<Option<TenantRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        TenantRow,
        r#"select
            tenant_id as "id: TenantId", slug, name, email, domain,
            status as "status: TenantStatus", status_since, status_reason, closes_at,
            license_type as "license_type: LicenseType",
            max_users, region, locale, time_zone, currency, version, created_at, updated_at
        from tenancy.tenants
        where tenant_id = $1 and tenant_id = $2
        for update"#,
        tenant as _,
        wanted as _,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)
}

/// The transaction's own tenant, if it passes the filter: the list of everybody but staff.
pub async fn list_own(tx: &mut TenantTx, filter: &TenantFilter<'_>) -> Result<Vec<TenantRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        TenantRow,
        r#"select
            tenant_id as "id: TenantId", slug, name, email, domain,
            status as "status: TenantStatus", status_since, status_reason, closes_at,
            license_type as "license_type: LicenseType",
            max_users, region, locale, time_zone, currency, version, created_at, updated_at
        from tenancy.tenants
        where tenant_id = $1
            and ($2::text is null or status = $2)
            and ($3::text is null or strpos(slug, lower($3)) > 0 or strpos(lower(name), lower($3)) > 0)"#,
        tenant as _,
        filter.status.map(TenantStatus::as_str),
        filter.search,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)
}

/// All tenants, newest first; none unless the transaction is bound to the tenant `revalenz`.
pub async fn list_all(
    tx: &mut TenantTx,
    filter: &TenantFilter<'_>,
    rows: i64,
) -> Result<Vec<TenantRow>> {
    let (after_created_at, after_id) = filter.after.unzip();
    sqlx::query_as!(
        TenantRow,
        r#"select
            tenant_id as "id!: TenantId", slug as "slug!", name as "name!", email as "email!", domain,
            status as "status!: TenantStatus", status_since, status_reason, closes_at,
            license_type as "license_type!: LicenseType",
            max_users as "max_users!", region as "region!", locale as "locale!", time_zone as "time_zone!",
            currency as "currency!", version as "version!", created_at as "created_at!", updated_at as "updated_at!"
        from tenancy.all_tenants($1, $2, $3, $4, $5)"#,
        filter.status.map(TenantStatus::as_str),
        filter.search,
        after_created_at,
        after_id as _,
        rows,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)
}

/// Stores a new one.
pub async fn insert(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into tenancy.tenants (
            tenant_id, slug, name, email, domain, status, license_type, region,
            currency, locale, time_zone, max_users, version, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        tenant as _,
        row.slug,
        row.name,
        row.email,
        row.domain,
        row.status.as_str(),
        row.license_type.as_str(),
        row.region,
        row.currency,
        row.locale,
        row.time_zone,
        row.max_users,
        row.version,
        row.created_at,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores what may change of one.
pub async fn update(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update tenancy.tenants
        set name = $2, email = $3, domain = $4, license_type = $5, locale = $6,
            time_zone = $7, max_users = $8, version = $9, updated_at = $10
        where tenant_id = $1",
        tenant as _,
        row.name,
        row.email,
        row.domain,
        row.license_type.as_str(),
        row.locale,
        row.time_zone,
        row.max_users,
        row.version,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores where one stands.
pub async fn set_status(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update tenancy.tenants
        set status = $2, status_since = $3, status_reason = $4, closes_at = $5, version = $6, updated_at = $7
        where tenant_id = $1",
        tenant as _,
        row.status.as_str(),
        row.status_since,
        row.status_reason,
        row.closes_at,
        row.version,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Tenants that have been closing for long enough.
pub async fn due_closings(tx: &mut UnscopedTx, now: DateTime<Utc>) -> Result<Vec<TenantId>> {
    sqlx::query_scalar!(r#"select tenancy.due_closings($1) as "id!: TenantId""#, now)
        .fetch_all(tx.conn())
        .await
        .map_err(DbError::from)
}

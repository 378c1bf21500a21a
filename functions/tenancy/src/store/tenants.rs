//! Master data of tenants.

use access::TenantStatus;
use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx, UnscopedTx};
use ids::TenantId;

use crate::domain::license_type::LicenseType;

/// A stored tenant.
#[derive(Clone, Debug)]
pub(crate) struct TenantRow {
    pub(crate) id: TenantId,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) domain: Option<String>,
    pub(crate) status: TenantStatus,
    /// `None`: since it was created.
    pub(crate) status_since: Option<DateTime<Utc>>,
    pub(crate) status_reason: Option<String>,
    pub(crate) closes_at: Option<DateTime<Utc>>,
    pub(crate) license_type: LicenseType,
    pub(crate) max_users: i32,
    pub(crate) region: String,
    pub(crate) locale: String,
    pub(crate) time_zone: String,
    pub(crate) currency: String,
    pub(crate) version: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// The filters of a list, and the position to continue from.
#[derive(Clone, Debug, Default)]
pub(crate) struct TenantFilter<'a> {
    pub(crate) status: Option<TenantStatus>,
    pub(crate) search: Option<&'a str>,
    pub(crate) after: Option<(DateTime<Utc>, TenantId)>,
}

/// Finds the tenant `wanted`, if it is the transaction's.
pub(crate) async fn find_tenant(tx: &mut TenantTx, wanted: TenantId) -> Result<Option<TenantRow>> {
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

/// Like [`find_tenant`], and locks the row.
pub(crate) async fn lock_tenant(tx: &mut TenantTx, wanted: TenantId) -> Result<Option<TenantRow>> {
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

/// Lists the transaction's own tenant, if it matches the filter. For everyone but platform staff.
pub(crate) async fn list_own_tenant(
    tx: &mut TenantTx,
    filter: &TenantFilter<'_>,
) -> Result<Vec<TenantRow>> {
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

/// Lists all tenants, newest first; none unless the transaction is bound to the tenant `revalenz`.
pub(crate) async fn list_all_tenants(
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

/// Inserts a tenant.
pub(crate) async fn insert_tenant(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
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

/// Updates the fields that can change.
pub(crate) async fn update_tenant(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
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

/// Updates the status.
pub(crate) async fn update_tenant_status(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
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

/// Lists tenants whose closing period is over.
pub(crate) async fn list_due_closings(
    tx: &mut UnscopedTx,
    now: DateTime<Utc>,
) -> Result<Vec<TenantId>> {
    sqlx::query_scalar!(r#"select tenancy.due_closings($1) as "id!: TenantId""#, now)
        .fetch_all(tx.conn())
        .await
        .map_err(DbError::from)
}

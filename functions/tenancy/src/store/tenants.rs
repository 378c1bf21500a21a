//! Master data of tenants.

use access::{
    TenantStatus,
    list::{IdType, Order, Source, push_any},
};
use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx, UnscopedTx};
use ids::TenantId;
use sqlx::{FromRow, Postgres, QueryBuilder};

use crate::domain::license_type::LicenseType;

/// A stored tenant.
#[derive(Clone, Debug, FromRow)]
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

/// The filters of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct TenantFilter {
    pub(crate) status: Option<Vec<TenantStatus>>,
    pub(crate) search: Option<String>,
}

const COLUMNS: &str = "t.tenant_id as id, t.slug, t.name, t.email, t.domain, t.status, t.status_since, t.status_reason, t.closes_at, t.license_type,
    t.max_users, t.region, t.locale, t.time_zone, t.currency, t.version, t.created_at, t.updated_at";

/// The transaction's own tenant. For everyone but platform staff.
pub(crate) const OWN_TENANT: Source = Source {
    name: "tenants",
    columns: COLUMNS,
    from: "tenancy.tenants t",
    tenant: "t.tenant_id",
    id: "t.tenant_id",
    id_type: IdType::Uuid,
    changed_at: "t.updated_at",
    version: "t.version",
    gone: "false",
};
/// All tenants; none unless the transaction is bound to the tenant `revalenz`.
pub(crate) const ALL_TENANTS: Source = Source {
    from: "tenancy.all_tenants(null, null, null, null, 9223372036854775807) t",
    // Rows of every tenant: the function itself checks the transaction's.
    tenant: "(select nullif(current_setting('app.tenant_id', true), '')::uuid)",
    ..OWN_TENANT
};
pub(crate) const NEWEST_FIRST: Order = Order {
    keys: &[("t.created_at", "timestamptz")],
    descending: true,
};

/// Restricts the tenants to those that match.
pub(crate) fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &TenantFilter) {
    push_any(query, "t.status", filter.status.as_ref());
    if let Some(text) = &filter.search {
        query
            .push(" and (strpos(t.slug, lower(")
            .push_bind(text.clone());
        query.push(")) > 0 or strpos(lower(t.name), lower(");
        query.push_bind(text.clone()).push(")) > 0)");
    }
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

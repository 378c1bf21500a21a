//! Hosts that tenants claim, and the origins of those that are proved.

use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx};
use ids::TenantDomainId;

use crate::proofs::Method;

/// A claim as it is stored.
#[derive(Clone, Debug)]
pub struct DomainRow {
    pub id: TenantDomainId,
    pub host: String,
    pub proof: String,
    pub method: Option<Method>,
    pub verified_at: Option<DateTime<Utc>>,
    pub checked_at: Option<DateTime<Utc>>,
    pub failing_since: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// All of the tenant, by host.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<DomainRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        DomainRow,
        r#"select
            tenant_domain_id as "id: TenantDomainId", host, proof, method as "method: Method",
            verified_at, checked_at, failing_since, version, created_at, updated_at
        from tenancy.tenant_domains
        where tenant_id = $1
        order by host"#,
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)
}

/// One of them.
pub async fn find(tx: &mut TenantTx, id: TenantDomainId) -> Result<Option<DomainRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        DomainRow,
        r#"select
            tenant_domain_id as "id: TenantDomainId", host, proof, method as "method: Method",
            verified_at, checked_at, failing_since, version, created_at, updated_at
        from tenancy.tenant_domains
        where tenant_id = $1 and tenant_domain_id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)
}

/// The same, and nobody else changes it before the transaction ends.
pub async fn lock(tx: &mut TenantTx, id: TenantDomainId) -> Result<Option<DomainRow>> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        DomainRow,
        r#"select
            tenant_domain_id as "id: TenantDomainId", host, proof, method as "method: Method",
            verified_at, checked_at, failing_since, version, created_at, updated_at
        from tenancy.tenant_domains
        where tenant_id = $1 and tenant_domain_id = $2
        for update"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)
}

/// Stores a new claim.
pub async fn insert(tx: &mut TenantTx, row: &DomainRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into tenancy.tenant_domains (tenant_id, tenant_domain_id, host, proof, version, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7)",
        tenant as _,
        row.id as _,
        row.host,
        row.proof,
        row.version,
        row.created_at,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores what may change of one.
pub async fn update(tx: &mut TenantTx, row: &DomainRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update tenancy.tenant_domains
        set proof = $3, method = $4, verified_at = $5, checked_at = $6, failing_since = $7, version = $8, updated_at = $9
        where tenant_id = $1 and tenant_domain_id = $2",
        tenant as _,
        row.id as _,
        row.proof,
        row.method.map(Method::as_str),
        row.verified_at,
        row.checked_at,
        row.failing_since,
        row.version,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives one up.
pub async fn delete(tx: &mut TenantTx, id: TenantDomainId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from tenancy.tenant_domains
        where tenant_id = $1 and tenant_domain_id = $2",
        tenant as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lets pages of the host call for the tenant.
pub async fn insert_origin(tx: &mut TenantTx, host: &str, now: DateTime<Utc>) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into access.origins (tenant_id, origin, created_at)
        values ($1, $2, $3)
        on conflict on constraint origins_pkey do nothing",
        tenant as _,
        origin(host),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// No page of the host calls for the tenant any more.
pub async fn delete_origin(tx: &mut TenantTx, host: &str) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from access.origins
        where tenant_id = $1 and origin = $2",
        tenant as _,
        origin(host),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// No page of any host does: the tenant closes.
pub async fn delete_origins(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from access.origins
        where tenant_id = $1",
        tenant as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn origin(host: &str) -> String {
    format!("https://{host}")
}

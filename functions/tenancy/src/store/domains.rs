//! Domains of tenants, and the CORS origins of verified ones.

use crate::ids::TenantDomainId;
use access::list::tombstones;
use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx};

use crate::domain::domain_proof::Method;

/// A stored domain.
#[derive(Clone, Debug)]
pub(crate) struct DomainRow {
    pub(crate) id: TenantDomainId,
    pub(crate) host: String,
    pub(crate) proof: String,
    pub(crate) method: Option<Method>,
    pub(crate) verified_at: Option<DateTime<Utc>>,
    pub(crate) checked_at: Option<DateTime<Utc>>,
    pub(crate) failing_since: Option<DateTime<Utc>>,
    pub(crate) version: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// Lists the tenant's domains by host.
pub(crate) async fn list_domains(tx: &mut TenantTx) -> Result<Vec<DomainRow>> {
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

/// Finds a domain.
pub(crate) async fn find_domain(
    tx: &mut TenantTx,
    id: TenantDomainId,
) -> Result<Option<DomainRow>> {
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

/// Like [`find_domain`], and locks the row.
pub(crate) async fn lock_domain(
    tx: &mut TenantTx,
    id: TenantDomainId,
) -> Result<Option<DomainRow>> {
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

/// Inserts a domain.
pub(crate) async fn insert_domain(tx: &mut TenantTx, row: &DomainRow) -> Result<()> {
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

/// Updates the fields that can change.
pub(crate) async fn update_domain(tx: &mut TenantTx, row: &DomainRow) -> Result<()> {
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

/// The name of the list.
pub(crate) const NAME: &str = "domains";

/// Deletes a domain of this version.
pub(crate) async fn delete_domain(
    tx: &mut TenantTx,
    id: TenantDomainId,
    version: i32,
) -> Result<()> {
    let tenant = tx.tenant();
    tombstones::record(tx, NAME, id, version).await?;
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

/// Allows pages of the host to call the API for the tenant.
pub(crate) async fn insert_origin(tx: &mut TenantTx, host: &str) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
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

/// Stops allowing pages of the host to call the API for the tenant.
pub(crate) async fn delete_origin(tx: &mut TenantTx, host: &str) -> Result<()> {
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

/// Removes all origins of a tenant that is closed.
pub(crate) async fn delete_origins(tx: &mut TenantTx) -> Result<()> {
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

//! People and their tenant, from the projections in `access`.

use access::TenantStatus;
use db::{Result, TenantTx};
use ids::{ApiKeyId, UserId};
use serde_json::{Map, Value};
use sqlx::types::Json;

/// A person with an email address.
#[derive(Debug)]
pub(crate) struct Addressee {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) locale: String,
    pub(crate) time_zone: String,
    pub(crate) status: String,
}

/// The tenant on whose behalf emails are sent.
#[derive(Debug)]
pub(crate) struct TenantRow {
    pub(crate) name: String,
    pub(crate) locale: String,
    pub(crate) settings: Json<Map<String, Value>>,
    pub(crate) status: TenantStatus,
}

/// Lists those of these people who exist.
pub(crate) async fn list_addressees(
    tx: &mut TenantTx,
    people: &[UserId],
) -> Result<Vec<Addressee>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Addressee,
        r#"select user_id as "id: UserId", email, display_name as name, locale, time_zone, status
        from access.people
        where tenant_id = $1 and user_id = any($2)"#,
        tenant as _,
        people as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The tenant of this transaction.
pub(crate) async fn find_tenant(tx: &mut TenantTx) -> Result<Option<TenantRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        TenantRow,
        r#"select name, locale, settings as "settings: Json<Map<String, Value>>", status as "status: TenantStatus"
        from access.tenants
        where tenant_id = $1"#,
        tenant as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Lists the active admins of the tenant.
pub(crate) async fn list_admins(tx: &mut TenantTx) -> Result<Vec<UserId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select p.user_id as "id: UserId"
        from access.people p
        join access.roles r on r.tenant_id = p.tenant_id and r.role_id = p.role_id
        where p.tenant_id = $1 and p.status = 'active' and r.base_role = 'admin'
        order by p.user_id"#,
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The name of an API key that is not revoked.
pub(crate) async fn find_api_key_name(tx: &mut TenantTx, key: ApiKeyId) -> Result<Option<String>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select name
        from access.api_keys
        where tenant_id = $1 and api_key_id = $2 and revoked_at is null",
        tenant as _,
        key as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

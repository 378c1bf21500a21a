//! Roles of a tenant, and what the built-in ones may do.

use access::Grants;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::RoleId;
use sqlx::types::Json;

/// A role.
#[derive(Debug)]
pub(crate) struct RoleRow {
    pub(crate) id: RoleId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) base_role: String,
    pub(crate) built_in: bool,
    pub(crate) permissions: Json<Grants>,
    pub(crate) version: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// All roles of the tenant, by name.
pub(crate) async fn list_roles(tx: &mut TenantTx) -> Result<Vec<RoleRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        RoleRow,
        r#"select
            role_id as "id: RoleId", name, description, base_role, built_in, permissions as "permissions: Json<Grants>",
            version, created_at, updated_at
        from access.roles
        where tenant_id = $1
        order by name"#,
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A permission and how far it reaches for one built-in role.
#[derive(Debug)]
pub(crate) struct BuiltinGrant {
    pub(crate) permission: String,
    pub(crate) base_role: String,
    pub(crate) reach: String,
}

/// What the built-in roles may do, everywhere the same: the one table here without tenants.
pub(crate) async fn list_builtin_grants(tx: &mut TenantTx) -> Result<Vec<BuiltinGrant>> {
    Ok(sqlx::query_as!(
        BuiltinGrant,
        "select permission, base_role, reach
        from access.builtin_grants
        order by permission, base_role"
    )
    .fetch_all(tx.conn())
    .await?)
}

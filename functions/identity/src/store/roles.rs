//! Roles of a tenant, and what the built-in ones may do.

use std::collections::BTreeMap;

use access::Grants;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::RoleId;
use sqlx::types::Json;

use crate::domain::authority::RoleView;

/// A role.
#[derive(Clone, Debug)]
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

impl RoleRow {
    /// The role as authority sees it.
    pub(crate) fn view(&self) -> RoleView<'_> {
        RoleView {
            base_role: &self.base_role,
            permissions: &self.permissions.0,
        }
    }
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

/// One role.
pub(crate) async fn find_role(tx: &mut TenantTx, role: RoleId) -> Result<Option<RoleRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        RoleRow,
        r#"select
            role_id as "id: RoleId", name, description, base_role, built_in, permissions as "permissions: Json<Grants>",
            version, created_at, updated_at
        from access.roles
        where tenant_id = $1 and role_id = $2"#,
        tenant as _,
        role as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Makes everybody wait who is about to change roles of this tenant, until the end of the transaction.
pub(crate) async fn lock_roles(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('identity.roles ' || $1::uuid::text, 0))",
        tenant as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many people have each role. Those who are gone (disabled, erased) still stand in history with theirs.
pub(crate) async fn count_people(
    tx: &mut TenantTx,
    gone_too: bool,
) -> Result<BTreeMap<RoleId, i64>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select role_id as "role_id: RoleId", count(*) as "people!"
        from identity.users
        where tenant_id = $1 and ($2 or status in ('invited', 'active', 'locked'))
        group by role_id"#,
        tenant as _,
        gone_too,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.role_id, row.people))
        .collect())
}

/// Adds a role.
pub(crate) async fn insert_role(tx: &mut TenantTx, new: &RoleRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into access.roles (
            tenant_id, role_id, name, description, base_role, built_in, permissions, version, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant as _,
        new.id as _,
        new.name,
        new.description,
        new.base_role,
        new.built_in,
        &new.permissions as _,
        new.version,
        new.created_at,
        new.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes what can change of a role that is not built in.
pub(crate) async fn update_role(tx: &mut TenantTx, changed: &RoleRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.roles
        set name = $3, description = $4, base_role = $5, permissions = $6, version = $7, updated_at = $8
        where tenant_id = $1 and role_id = $2 and not built_in",
        tenant as _,
        changed.id as _,
        changed.name,
        changed.description,
        changed.base_role,
        &changed.permissions as _,
        changed.version,
        changed.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a role that is not built in. A constraint refuses while somebody has it.
pub(crate) async fn delete_role(tx: &mut TenantTx, role: RoleId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from access.roles
        where tenant_id = $1 and role_id = $2 and not built_in",
        tenant as _,
        role as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
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

/// Every permission, and whether only the platform's own staff has it.
pub(crate) async fn known_permissions(tx: &mut TenantTx) -> Result<BTreeMap<String, bool>> {
    let rows = sqlx::query!(
        r#"select permission, bool_and(base_role = 'superadmin') as "staff_only!"
        from access.builtin_grants
        group by permission"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.permission, row.staff_only))
        .collect())
}

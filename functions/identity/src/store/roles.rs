//! Roles of a tenant, and the grants of built-in roles.

use access::list::tombstones;
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
    /// The role as input for the authority rules.
    pub(crate) fn view(&self) -> RoleView<'_> {
        RoleView {
            base_role: &self.base_role,
            permissions: &self.permissions.0,
        }
    }
}

/// Returns all roles of the tenant, sorted by name.
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

/// Finds a role.
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

/// Serialises changes of this tenant's roles until the end of the transaction.
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

/// Counts the users of each role, not counting disabled and erased ones.
pub(crate) async fn count_people(
    tx: &mut TenantTx,
    include_disabled: bool,
) -> Result<BTreeMap<RoleId, i64>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select role_id as "role_id: RoleId", count(*) as "people!"
        from identity.users
        where tenant_id = $1 and ($2 or status in ('invited', 'active', 'locked'))
        group by role_id"#,
        tenant as _,
        include_disabled,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.role_id, row.people))
        .collect())
}

/// Inserts a role.
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

/// Updates a custom role.
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

/// The name of the list.
pub(crate) const NAME: &str = "roles";

/// Deletes a custom role with this version. A foreign key prevents this while it is assigned.
pub(crate) async fn delete_role(tx: &mut TenantTx, role: RoleId, version: i32) -> Result<()> {
    let tenant = tx.tenant();
    tombstones::record(tx, NAME, role, version).await?;
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

/// A permission of a built-in role, with its reach.
#[derive(Debug)]
pub(crate) struct BuiltinGrant {
    pub(crate) permission: String,
    pub(crate) base_role: String,
    pub(crate) reach: String,
}

/// Returns the grants of the built-in roles, which are the same for all tenants.
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

/// Returns all permissions, and whether each is reserved for platform staff.
pub(crate) async fn list_permissions(tx: &mut TenantTx) -> Result<BTreeMap<String, bool>> {
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

//! Roles and permissions as `access` stores them, and identity's function that creates a tenant's first roles.

use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx};
use ids::{OneTimeTokenId, UserId};

/// The invited first admin of a new tenant.
#[derive(Debug)]
pub(crate) struct AdminInvitation<'a> {
    pub(crate) id: UserId,
    pub(crate) email: &'a str,
    pub(crate) given_name: &'a str,
    pub(crate) family_name: &'a str,
    pub(crate) locale: &'a str,
    pub(crate) time_zone: &'a str,
    pub(crate) token: OneTimeTokenId,
    pub(crate) token_hash: [u8; 32],
    pub(crate) token_expires_at: DateTime<Utc>,
}

/// Creates the built-in roles and invites the first admin, with identity's database function.
pub(crate) async fn provision_tenant(tx: &mut TenantTx, admin: &AdminInvitation<'_>) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "select identity.provision_tenant($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant as _,
        admin.id as _,
        admin.email,
        admin.given_name,
        admin.family_name,
        admin.locale,
        admin.time_zone,
        admin.token as _,
        admin.token_hash.as_slice(),
        admin.token_expires_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lists those of `names` that are roles of the tenant.
pub(crate) async fn list_existing_roles(
    tx: &mut TenantTx,
    names: &[String],
) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select name
        from access.roles
        where tenant_id = $1 and name = any($2)",
        tenant as _,
        names,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)
}

/// Lists those of `names` that are permissions, each with whether only platform staff has it. Permissions belong to no
/// tenant.
pub(crate) async fn list_permissions(
    tx: &mut TenantTx,
    names: &[String],
) -> Result<Vec<(String, bool)>> {
    let rows = sqlx::query!(
        r#"select permission, bool_and(base_role = 'superadmin') as "staff_only!"
        from access.builtin_grants
        where permission = any($1)
        group by permission"#,
        names,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.permission, row.staff_only))
        .collect())
}

//! Roles and permissions as `access` knows them, and the door through which a tenant gets its first ones.

use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx};
use ids::{OneTimeTokenId, UserId};

/// The first admin of a new tenant, invited.
#[derive(Debug)]
pub struct FirstAdmin<'a> {
    pub id: UserId,
    pub email: &'a str,
    pub given_name: &'a str,
    pub family_name: &'a str,
    pub locale: &'a str,
    pub time_zone: &'a str,
    pub token: OneTimeTokenId,
    pub token_hash: [u8; 32],
    pub token_expires_at: DateTime<Utc>,
}

/// Makes the built-in roles and invites the first admin, through identity's door.
pub async fn provision(
    tx: &mut TenantTx,
    admin: &FirstAdmin<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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

/// Which of these names are roles of the tenant.
pub async fn existing(tx: &mut TenantTx, names: &[String]) -> Result<Vec<String>> {
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

/// Which of these are permissions, each with whether only the platform's staff has it. They belong to no tenant.
pub async fn permissions(tx: &mut TenantTx, names: &[String]) -> Result<Vec<(String, bool)>> {
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

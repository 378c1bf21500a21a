//! Users, with their projection in `access.people` written in the same transaction.

use access::Reach;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::{RoleId, UserId};
use sqlx::FromRow;

use super::owner_filter;
use crate::domain::{name::Name, status::UserStatus};

/// A user.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct UserRow {
    pub(crate) id: UserId,
    pub(crate) role_id: RoleId,
    pub(crate) role: String,
    pub(crate) email: String,
    pub(crate) given_name: String,
    pub(crate) family_name: String,
    pub(crate) display_name: String,
    pub(crate) status: UserStatus,
    pub(crate) locale: String,
    pub(crate) time_zone: String,
    pub(crate) phone: Option<String>,
    pub(crate) email_verified_at: Option<DateTime<Utc>>,
    /// Whether the account has ever been active.
    pub(crate) activated: bool,
    pub(crate) last_seen_at: Option<DateTime<Utc>>,
    pub(crate) version: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// A user to insert.
#[derive(Debug)]
pub(crate) struct NewUser<'a> {
    pub(crate) id: UserId,
    pub(crate) role_id: RoleId,
    pub(crate) email: &'a str,
    pub(crate) name: &'a Name,
    /// With a password the account is active and its email address counts as verified; without one it is invited.
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) locale: &'a str,
    pub(crate) time_zone: &'a str,
    pub(crate) phone: Option<&'a str>,
}

/// Finds the user within reach; disabled users only with `include_disabled`.
pub(crate) async fn find_user(
    tx: &mut TenantTx,
    reach: Reach,
    user: UserId,
    include_disabled: bool,
) -> Result<Option<UserRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        UserRow,
        r#"select
            u.user_id as "id: UserId", u.role_id as "role_id: RoleId", r.name as role, u.email,
            u.given_name, u.family_name, u.display_name, u.status as "status: UserStatus", u.locale, u.time_zone, u.phone,
            u.email_verified_at, (u.password_hash is not null or u.email_verified_at is not null) as "activated!",
            u.last_seen_at, u.version, u.created_at, u.updated_at
        from identity.users u
        join access.roles r on r.tenant_id = u.tenant_id and r.role_id = u.role_id
        where u.tenant_id = $1 and u.user_id = $2
            and ($3::uuid is null or u.user_id = $3)
            and (u.status in ('invited', 'active', 'locked') or ($4 and u.status = 'disabled'))"#,
        tenant as _,
        user as _,
        owner_filter(reach) as _,
        include_disabled,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The version of a user, for an event that does not change the user.
pub(crate) async fn find_version(tx: &mut TenantTx, user: UserId) -> Result<i32> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select version
        from identity.users
        where tenant_id = $1 and user_id = $2",
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Locks the user until the end of the transaction.
pub(crate) async fn lock_user(tx: &mut TenantTx, reach: Reach, user: UserId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select user_id
        from identity.users
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or user_id = $3)
        for no key update",
        tenant as _,
        user as _,
        owner_filter(reach) as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

/// Inserts a user.
pub(crate) async fn insert_user(tx: &mut TenantTx, new: &NewUser<'_>) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let status = if new.password_hash.is_some() {
        UserStatus::Active
    } else {
        UserStatus::Invited
    };
    sqlx::query!(
        "insert into access.people (tenant_id, user_id, role_id, email, display_name, locale, time_zone, status, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant as _,
        new.id as _,
        new.role_id as _,
        new.email,
        new.name.display,
        new.locale,
        new.time_zone,
        status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into identity.users (
            tenant_id, user_id, role_id, email, password_hash, given_name, family_name, display_name,
            status, locale, time_zone, phone, email_verified_at, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
        tenant as _,
        new.id as _,
        new.role_id as _,
        new.email,
        new.password_hash,
        new.name.given,
        new.name.family,
        new.name.display,
        status as _,
        new.locale,
        new.time_zone,
        new.phone,
        new.password_hash.map(|_| now),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Updates a user and the projection, and increments the version.
pub(crate) async fn update_user(
    tx: &mut TenantTx,
    reach: Reach,
    changed: &UserRow,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let written = sqlx::query!(
        "update identity.users
        set role_id = $4, email = $5, given_name = $6, family_name = $7, display_name = $8, status = $9,
            locale = $10, time_zone = $11, phone = $12, email_verified_at = $13, version = version + 1, updated_at = $14
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or user_id = $3)",
        tenant as _,
        changed.id as _,
        owner_filter(reach) as _,
        changed.role_id as _,
        changed.email,
        changed.given_name,
        changed.family_name,
        changed.display_name,
        changed.status as _,
        changed.locale,
        changed.time_zone,
        changed.phone,
        changed.email_verified_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "update access.people
        set role_id = $3, email = $4, display_name = $5, locale = $6, time_zone = $7, status = $8, updated_at = $9
        where tenant_id = $1 and user_id = $2",
        tenant as _,
        changed.id as _,
        changed.role_id as _,
        changed.email,
        changed.display_name,
        changed.locale,
        changed.time_zone,
        changed.status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(true)
}

/// Increments the version after a change in another table.
pub(crate) async fn touch_user(
    tx: &mut TenantTx,
    reach: Reach,
    user: UserId,
) -> Result<Option<i32>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_scalar!(
        "update identity.users
        set version = version + 1, updated_at = $4
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or user_id = $3)
        returning version",
        tenant as _,
        user as _,
        owner_filter(reach) as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

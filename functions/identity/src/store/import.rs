//! Bulk writes of users, with the projection in `access.people`.

use db::{Result, TenantTx};
use ids::{RoleId, UserId};
use sqlx::types::Json;

use crate::domain::{import::ImportedUser, status::UserStatus};

/// Finds and locks the users with these email addresses.
pub(crate) async fn lock_existing_users(
    tx: &mut TenantTx,
    emails: &[String],
) -> Result<Vec<ImportedUser>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        ImportedUser,
        r#"select
            user_id as "user_id: UserId", role_id as "role_id: RoleId", email, null::text as password_hash,
            given_name, family_name, display_name, status as "status: UserStatus", locale, time_zone, phone, email_verified_at
        from identity.users
        where tenant_id = $1 and email = any($2)
        order by user_id
        for no key update"#,
        tenant as _,
        emails,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Inserts users.
pub(crate) async fn insert_users(tx: &mut TenantTx, people: &[ImportedUser]) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let rows = Json(people);
    sqlx::query!(
        "insert into access.people (tenant_id, user_id, role_id, email, display_name, locale, time_zone, status, updated_at)
        select $1, p.user_id, p.role_id, p.email, p.display_name, p.locale, p.time_zone, p.status, $3
        from jsonb_to_recordset($2) p (
            user_id uuid, role_id uuid, email text, display_name text, locale text, time_zone text, status text
        )",
        tenant as _,
        &rows as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into identity.users (
            tenant_id, user_id, role_id, email, password_hash, given_name, family_name, display_name,
            status, locale, time_zone, phone, email_verified_at, created_at, updated_at
        )
        select
            $1, p.user_id, p.role_id, p.email, p.password_hash, p.given_name, p.family_name, p.display_name,
            p.status, p.locale, p.time_zone, p.phone, p.email_verified_at, $3, $3
        from jsonb_to_recordset($2) p (
            user_id uuid, role_id uuid, email text, password_hash text, given_name text, family_name text, display_name text,
            status text, locale text, time_zone text, phone text, email_verified_at timestamptz
        )",
        tenant as _,
        &rows as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Updates names, phone number, language and time zone of existing users, and increments their versions.
pub(crate) async fn update_users(tx: &mut TenantTx, people: &[ImportedUser]) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let rows = Json(people);
    sqlx::query!(
        "update identity.users u
        set given_name = p.given_name, family_name = p.family_name, display_name = p.display_name, locale = p.locale,
            time_zone = p.time_zone, phone = p.phone, version = u.version + 1, updated_at = $3
        from jsonb_to_recordset($2) p (
            user_id uuid, given_name text, family_name text, display_name text, locale text, time_zone text, phone text
        )
        where u.tenant_id = $1 and u.user_id = p.user_id",
        tenant as _,
        &rows as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "update access.people u
        set display_name = p.display_name, locale = p.locale, time_zone = p.time_zone, updated_at = $3
        from jsonb_to_recordset($2) p (user_id uuid, display_name text, locale text, time_zone text)
        where u.tenant_id = $1 and u.user_id = p.user_id",
        tenant as _,
        &rows as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

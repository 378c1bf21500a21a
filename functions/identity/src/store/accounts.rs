//! Accounts, as needed for sign-in.

use db::{Result, TenantTx};
use ids::UserId;

use crate::domain::status::UserStatus;

/// An account, found by email address.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: UserId,
    pub(crate) status: UserStatus,
    pub(crate) password_hash: Option<String>,
    pub(crate) version: i32,
    /// Whether the user registered, rather than being invited.
    pub(crate) registered: bool,
}

/// Finds the account with this email address.
pub(crate) async fn find_account(tx: &mut TenantTx, email: &str) -> Result<Option<Account>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Account,
        r#"select
            u.user_id as "id: UserId", u.status as "status: UserStatus", u.password_hash, u.version,
            exists (
                select from identity.one_time_tokens t
                where t.tenant_id = u.tenant_id and t.user_id = u.user_id and t.purpose = 'verify_email'
            ) as "registered!"
        from identity.users u
        where u.tenant_id = $1 and u.email = $2"#,
        tenant as _,
        email,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The password hash of an active user.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) password_hash: Option<String>,
}

/// Finds the credentials of an active user.
pub(crate) async fn find_credentials(
    tx: &mut TenantTx,
    user: UserId,
) -> Result<Option<Credentials>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Credentials,
        "select password_hash
        from identity.users
        where tenant_id = $1 and user_id = $2 and status = 'active'",
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Takes a shared lock on an active account, and checks with `verified` that its password is unchanged. `false` if the account is
/// not active or the password differs.
///
/// Concurrent sign-ins share the lock. Requests that change the password or disable the account wait for them, and then end the
/// sessions that they created.
pub(crate) async fn lock_account_shared(
    tx: &mut TenantTx,
    user: UserId,
    verified: Option<&str>,
) -> Result<bool> {
    let tenant = tx.tenant();
    let held = sqlx::query!(
        "select user_id
        from identity.users
        where tenant_id = $1 and user_id = $2 and status = 'active' and ($3::text is null or password_hash = $3)
        for share",
        tenant as _,
        user as _,
        verified,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(held.is_some())
}

/// Finds the password hash of an active account.
pub(crate) async fn find_password_hash(tx: &mut TenantTx, user: UserId) -> Result<Option<String>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select password_hash
        from identity.users
        where tenant_id = $1 and user_id = $2 and status = 'active'",
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.flatten())
}

/// Replaces the hash by one of the same password with newer parameters.
pub(crate) async fn replace_password_hash(
    tx: &mut TenantTx,
    user: UserId,
    verified: &str,
    renewed: &str,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update identity.users
        set password_hash = $4
        where tenant_id = $1 and user_id = $2 and password_hash = $3",
        tenant as _,
        user as _,
        verified,
        renewed,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes the password of an active account; with `verified` only if that is the current hash. Returns the user's new version, or
/// `None` if the account has changed meanwhile.
pub(crate) async fn change_password(
    tx: &mut TenantTx,
    user: UserId,
    verified: Option<&str>,
    password_hash: &str,
) -> Result<Option<i32>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_scalar!(
        "update identity.users
        set password_hash = $4, version = version + 1, updated_at = $5
        where tenant_id = $1 and user_id = $2 and status = 'active' and ($3::text is null or password_hash = $3)
        returning version",
        tenant as _,
        user as _,
        verified,
        password_hash,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Marks the email address as verified, because its owner has just received an email there.
pub(crate) async fn mark_email_verified(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.users
        set email_verified_at = $3
        where tenant_id = $1 and user_id = $2 and email_verified_at is null",
        tenant as _,
        user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Updates `last_seen_at` at most once a minute, and skips users who are locked by another transaction. Nothing may wait for this:
/// a refresh holds its session, for which an admin who disables the user waits in turn.
pub(crate) async fn touch_last_seen(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.users
        set last_seen_at = $3::timestamptz
        where tenant_id = $1 and user_id = (
            select user_id
            from identity.users
            where tenant_id = $1 and user_id = $2
                and (last_seen_at is null or last_seen_at < $3::timestamptz - interval '1 minute')
            for no key update skip locked
        )",
        tenant as _,
        user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Activates an invited user whose email address is now verified. `false` if the account is not invited.
pub(crate) async fn activate_user(
    tx: &mut TenantTx,
    user: UserId,
    password_hash: &str,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let activated = sqlx::query!(
        "update identity.users
        set status = 'active', password_hash = $3, email_verified_at = $4, version = version + 1, updated_at = $4
        where tenant_id = $1 and user_id = $2 and status = 'invited'",
        tenant as _,
        user as _,
        password_hash,
        now,
    )
    .execute(tx.conn())
    .await?;
    if activated.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "update access.people
        set status = 'active', updated_at = $3
        where tenant_id = $1 and user_id = $2",
        tenant as _,
        user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(true)
}

/// Sets the password, whether or not there is one.
pub(crate) async fn set_password(
    tx: &mut TenantTx,
    user: UserId,
    password_hash: &str,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.users
        set password_hash = $3, version = version + 1, updated_at = $4
        where tenant_id = $1 and user_id = $2",
        tenant as _,
        user as _,
        password_hash,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

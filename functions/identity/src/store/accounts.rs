//! What a sign-in needs to know of a person.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::UserId;

use crate::domain::status::UserStatus;

/// A person by mail address.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: UserId,
    pub(crate) status: UserStatus,
    pub(crate) password_hash: Option<String>,
    pub(crate) version: i32,
    /// Whether they came by themselves, not by invitation.
    pub(crate) registered: bool,
}

/// The account with this address.
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

/// Address and password of an active person.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) email: String,
    pub(crate) password_hash: Option<String>,
}

/// What an active person signs in with.
pub(crate) async fn find_credentials(
    tx: &mut TenantTx,
    user: UserId,
) -> Result<Option<Credentials>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Credentials,
        "select email, password_hash
        from identity.users
        where tenant_id = $1 and user_id = $2 and status = 'active'",
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Keeps an active account as it is until the end of the transaction, and with `verified` its password too. `false` when it
/// is not, or no longer, so.
///
/// Sign-ins hold it at the same time and don't wait for each other. Whoever changes the password or disables the account waits
/// for them, and then ends the sessions that they opened.
pub(crate) async fn hold_account(
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

/// The password's hash of an active account.
pub(crate) async fn find_password(tx: &mut TenantTx, user: UserId) -> Result<Option<String>> {
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

/// Puts the hash of the same password under newer parameters in the place of the old one.
pub(crate) async fn renew_hash(
    tx: &mut TenantTx,
    user: UserId,
    (verified, renewed): (&str, &str),
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

/// Sets another password for an active account: with `before` only in the place of that one. Answers the version that the
/// person has then, or nothing when the account has changed meanwhile.
pub(crate) async fn change_password(
    tx: &mut TenantTx,
    user: UserId,
    (before, after): (Option<&str>, &str),
    now: DateTime<Utc>,
) -> Result<Option<i32>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "update identity.users
        set password_hash = $4, version = version + 1, updated_at = $5
        where tenant_id = $1 and user_id = $2 and status = 'active' and ($3::text is null or password_hash = $3)
        returning version",
        tenant as _,
        user as _,
        before,
        after,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Notes that an address is known to be its owner's, who has just read a mail that was sent there.
pub(crate) async fn note_address_proved(
    tx: &mut TenantTx,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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

/// Notes at most once a minute that somebody was here, unless somebody else is just changing the person: nothing must wait for
/// this, least of all a refresh that holds its session while an admin who disables the person waits for it.
pub(crate) async fn note_seen(tx: &mut TenantTx, user: UserId, now: DateTime<Utc>) -> Result<()> {
    let tenant = tx.tenant();
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

/// Lets an invited person in, whose address is proved now. `false` when the account is not waiting for that.
pub(crate) async fn activate_user(
    tx: &mut TenantTx,
    user: UserId,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let tenant = tx.tenant();
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

/// Sets a password, whatever stood there.
pub(crate) async fn set_password(
    tx: &mut TenantTx,
    user: UserId,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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

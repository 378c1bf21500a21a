//! One-time links.

use access::opaque::Opaque;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::{OneTimeToken, OneTimeTokenId, UserId};

use crate::domain::link_binding::{Binding, BindingKind, MAX_CODE_FAILURES};

web::text_enum! {
    /// Purpose of a link.
    pub enum TokenPurpose {
        /// Verifies the email address of a registration.
        VerifyEmail = "verify_email",
        /// Accepts an invitation.
        Invite = "invite",
        /// Sets a new password.
        ResetPassword = "reset_password",
        /// Signs in.
        MagicLink = "magic_link",
        /// Confirms a new email address.
        ChangeEmail = "change_email",
    }
}

/// A valid link.
#[derive(Debug)]
pub(crate) struct LiveToken {
    pub(crate) user: UserId,
    /// The password that its use sets, if it was chosen in advance.
    pub(crate) password_hash: Option<String>,
    /// The email address that its use sets.
    pub(crate) email: Option<String>,
    /// What must be presented together with it.
    pub(crate) binding: Option<BindingKind>,
    pub(crate) binding_hash: Option<Vec<u8>>,
}

/// A link to store.
#[derive(Debug)]
pub(crate) struct NewToken<'a> {
    pub(crate) user: UserId,
    pub(crate) purpose: TokenPurpose,
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
    pub(crate) binding: Option<&'a Binding>,
}

/// Stores a link.
pub(crate) async fn insert_token(
    tx: &mut TenantTx,
    token: &Opaque<OneTimeToken>,
    new: &NewToken<'_>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let binding_hash = new
        .binding
        .map(|binding| binding.hash(&token.secret).to_vec());
    sqlx::query!(
        "insert into identity.one_time_tokens (
            tenant_id, one_time_token_id, user_id, purpose, secret_hash, password_hash, email, binding, binding_hash,
            expires_at, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant as _,
        token.row as _,
        new.user as _,
        new.purpose as _,
        &token.hash(),
        new.password_hash,
        new.email,
        new.binding.map(|binding| binding.kind) as _,
        binding_hash.as_deref(),
        expires_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Finds the link, if it is still valid.
pub(crate) async fn find_token(
    tx: &mut TenantTx,
    token: &Opaque<OneTimeToken>,
    purpose: TokenPurpose,
) -> Result<Option<LiveToken>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        LiveToken,
        r#"select
            user_id as "user: UserId", password_hash, email, binding as "binding: BindingKind", binding_hash
        from identity.one_time_tokens
        where tenant_id = $1 and one_time_token_id = $2 and secret_hash = $3 and purpose = $4
            and used_at is null and expires_at > $5"#,
        tenant as _,
        token.row as _,
        &token.hash(),
        purpose as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Uses the link. Only one of several concurrent attempts succeeds.
pub(crate) async fn use_token(
    tx: &mut TenantTx,
    token: &Opaque<OneTimeToken>,
    purpose: TokenPurpose,
) -> Result<Option<LiveToken>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        LiveToken,
        r#"update identity.one_time_tokens
        set used_at = $5
        where tenant_id = $1 and one_time_token_id = $2 and secret_hash = $3 and purpose = $4
            and used_at is null and expires_at > $5
        returning
            user_id as "user: UserId", password_hash, email, binding as "binding: BindingKind", binding_hash"#,
        tenant as _,
        token.row as _,
        &token.hash(),
        purpose as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Locks the link, so that concurrent guesses of its code are counted one after the other.
pub(crate) async fn lock_token(tx: &mut TenantTx, token: &Opaque<OneTimeToken>) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select one_time_token_id
        from identity.one_time_tokens
        where tenant_id = $1 and one_time_token_id = $2
        for no key update",
        tenant as _,
        token.row as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

/// Counts an incorrect code; after a few the link is no longer valid.
pub(crate) async fn record_failed_code(
    tx: &mut TenantTx,
    token: &Opaque<OneTimeToken>,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.one_time_tokens
        set failures = failures + 1, used_at = case when failures + 1 >= $3 then $4::timestamptz end
        where tenant_id = $1 and one_time_token_id = $2 and used_at is null",
        tenant as _,
        token.row as _,
        MAX_CODE_FAILURES,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Returns the distinct password hashes of a user's registrations.
pub(crate) async fn list_registered_passwords(
    tx: &mut TenantTx,
    user: UserId,
) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select distinct password_hash as "password_hash!"
        from identity.one_time_tokens
        where tenant_id = $1 and user_id = $2 and purpose = 'verify_email' and password_hash is not null"#,
        tenant as _,
        user as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Deletes the links of a user's registrations.
pub(crate) async fn delete_registrations(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from identity.one_time_tokens
        where tenant_id = $1 and user_id = $2 and purpose = 'verify_email'",
        tenant as _,
        user as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Voids a user's open links for this purpose.
pub(crate) async fn void_tokens_for(
    tx: &mut TenantTx,
    user: UserId,
    purpose: TokenPurpose,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.one_time_tokens
        set used_at = $4
        where tenant_id = $1 and user_id = $2 and purpose = $3 and used_at is null",
        tenant as _,
        user as _,
        purpose as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Voids all open links of a user.
pub(crate) async fn void_tokens(tx: &mut TenantTx, user: UserId) -> Result<Vec<OneTimeTokenId>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_scalar!(
        r#"update identity.one_time_tokens
        set used_at = $3
        where tenant_id = $1 and user_id = $2 and used_at is null
        returning one_time_token_id as "id: OneTimeTokenId""#,
        tenant as _,
        user as _,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

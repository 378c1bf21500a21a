//! Links that work once.

use access::opaque::Opaque;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::{OneTimeToken, OneTimeTokenId, UserId};

web::text_enum! {
    /// What a link is good for.
    pub enum TokenPurpose {
        /// Proves the address of somebody who registered.
        VerifyEmail = "verify_email",
        /// Lets somebody in who was invited.
        Invite = "invite",
    }
}

/// A link that is still good.
#[derive(Debug)]
pub(crate) struct LiveToken {
    pub(crate) user: UserId,
    /// The password that holds from its use on, when it was chosen before.
    pub(crate) password_hash: Option<String>,
}

/// Keeps a link.
pub(crate) async fn insert_token(
    tx: &mut TenantTx,
    token: &Opaque<OneTimeToken>,
    user: UserId,
    purpose: TokenPurpose,
    password_hash: Option<&str>,
    (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into identity.one_time_tokens (
            tenant_id, one_time_token_id, user_id, purpose, secret_hash, password_hash, expires_at, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant as _,
        token.row as _,
        user as _,
        purpose as _,
        &token.hash(),
        password_hash,
        expires_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The link, if it is still good.
pub(crate) async fn find_token(
    tx: &mut TenantTx,
    token: &Opaque<OneTimeToken>,
    purpose: TokenPurpose,
    now: DateTime<Utc>,
) -> Result<Option<LiveToken>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        LiveToken,
        r#"select user_id as "user: UserId", password_hash
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

/// Uses the link up. Of two who try at the same time one gets it.
pub(crate) async fn use_token(
    tx: &mut TenantTx,
    token: &Opaque<OneTimeToken>,
    purpose: TokenPurpose,
    now: DateTime<Utc>,
) -> Result<Option<LiveToken>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        LiveToken,
        r#"update identity.one_time_tokens
        set used_at = $5
        where tenant_id = $1 and one_time_token_id = $2 and secret_hash = $3 and purpose = $4
            and used_at is null and expires_at > $5
        returning user_id as "user: UserId", password_hash"#,
        tenant as _,
        token.row as _,
        &token.hash(),
        purpose as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Makes every open link of a person worthless.
pub(crate) async fn void_tokens(
    tx: &mut TenantTx,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<OneTimeTokenId>> {
    let tenant = tx.tenant();
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

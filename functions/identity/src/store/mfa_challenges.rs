//! MFA challenges: sign-ins that wait for their second factor.

use crate::ids::MfaChallenge;
use access::opaque::Opaque;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::UserId;

use crate::http::sessions::cookie::RefreshMode;

/// A sign-in that waits for its second factor.
#[derive(Debug)]
pub(crate) struct PendingMfa {
    pub(crate) user: UserId,
    /// The authentication methods used so far.
    pub(crate) amr: Vec<String>,
    pub(crate) refresh_mode: RefreshMode,
    pub(crate) device_name: Option<String>,
}

/// Inserts a challenge and deletes the user's expired ones.
pub(crate) async fn insert_challenge(
    tx: &mut TenantTx,
    token: &Opaque<MfaChallenge>,
    pending: &PendingMfa,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "delete from identity.mfa_challenges
        where tenant_id = $1 and mfa_challenge_id in (
            select mfa_challenge_id
            from identity.mfa_challenges
            where tenant_id = $1 and user_id = $2 and expires_at <= $3
            for update skip locked
        )",
        tenant as _,
        pending.user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into identity.mfa_challenges (
            tenant_id, mfa_challenge_id, user_id, secret_hash, amr, refresh_mode, device_name, expires_at, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant as _,
        token.row as _,
        pending.user as _,
        &token.hash(),
        &pending.amr,
        pending.refresh_mode as _,
        pending.device_name,
        expires_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Finds the challenge, if it is still open.
pub(crate) async fn find_challenge(
    tx: &mut TenantTx,
    token: &Opaque<MfaChallenge>,
) -> Result<Option<PendingMfa>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        PendingMfa,
        r#"select user_id as "user: UserId", amr, refresh_mode as "refresh_mode: RefreshMode", device_name
        from identity.mfa_challenges
        where tenant_id = $1 and mfa_challenge_id = $2 and secret_hash = $3
            and used_at is null and expires_at > $4"#,
        tenant as _,
        token.row as _,
        &token.hash(),
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Uses the challenge, if it is still open. Only one of several concurrent attempts succeeds.
pub(crate) async fn use_challenge(tx: &mut TenantTx, token: &Opaque<MfaChallenge>) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let used = sqlx::query!(
        "update identity.mfa_challenges
        set used_at = $4
        where tenant_id = $1 and mfa_challenge_id = $2 and secret_hash = $3
            and used_at is null and expires_at > $4",
        tenant as _,
        token.row as _,
        &token.hash(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Voids all open challenges of a user. Before a factor is removed, so that locks are taken in the order of a sign-in that is being
/// completed.
pub(crate) async fn void_challenges(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.mfa_challenges
        set used_at = $3
        where tenant_id = $1 and user_id = $2 and used_at is null",
        tenant as _,
        user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

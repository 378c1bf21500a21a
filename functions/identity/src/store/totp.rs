//! Authenticator apps, one per user.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::UserId;

/// An authenticator app.
#[derive(Debug)]
pub(crate) struct TotpRow {
    pub(crate) secret_sealed: Vec<u8>,
    /// The latest time step whose code was used.
    pub(crate) last_step: i64,
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    /// Until when it can be confirmed.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// Finds the user's app, whether confirmed or not.
pub(crate) async fn find_totp(tx: &mut TenantTx, user: UserId) -> Result<Option<TotpRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        TotpRow,
        "select secret_sealed, last_step, confirmed_at, expires_at
        from identity.mfa_totp
        where tenant_id = $1 and user_id = $2",
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Stores an unconfirmed app, replacing an older unconfirmed one. `false` if one is already confirmed.
pub(crate) async fn start_totp(
    tx: &mut TenantTx,
    user: UserId,
    secret_sealed: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let started = sqlx::query!(
        "insert into identity.mfa_totp as t (tenant_id, user_id, secret_sealed, expires_at, created_at)
        values ($1, $2, $3, $4, $5)
        on conflict on constraint mfa_totp_pkey do update
        set secret_sealed = excluded.secret_sealed, last_step = 0,
            expires_at = excluded.expires_at, created_at = excluded.created_at
        where t.confirmed_at is null",
        tenant as _,
        user as _,
        secret_sealed,
        expires_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(started.rows_affected() == 1)
}

/// Confirms the app with the code of `step`, and marks that code as used.
pub(crate) async fn confirm_totp(tx: &mut TenantTx, user: UserId, step: i64) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let confirmed = sqlx::query!(
        "update identity.mfa_totp
        set confirmed_at = $4::timestamptz, expires_at = null, last_step = $3
        where tenant_id = $1 and user_id = $2 and confirmed_at is null and expires_at > $4::timestamptz",
        tenant as _,
        user as _,
        step,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(confirmed.rows_affected() == 1)
}

/// Uses the codes of `step` and all earlier steps. Only one of several concurrent attempts succeeds.
pub(crate) async fn use_totp_step(tx: &mut TenantTx, user: UserId, step: i64) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update identity.mfa_totp
        set last_step = $3
        where tenant_id = $1 and user_id = $2 and confirmed_at is not null and last_step < $3",
        tenant as _,
        user as _,
        step,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the app. `false` if none was confirmed.
pub(crate) async fn delete_totp(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    let confirmed = sqlx::query_scalar!(
        r#"delete from identity.mfa_totp
        where tenant_id = $1 and user_id = $2
        returning confirmed_at is not null as "confirmed!""#,
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(confirmed == Some(true))
}

//! Sessions: secrets are stored here, the status in the projection `access.sessions`.

use chrono::{DateTime, Utc};
use db::{Actor, Result, TenantTx};
use ids::{SessionId, UserId};

use super::mfa_challenges;
use crate::domain::refresh_token::{RefreshToken, StoredToken};

web::text_enum! {
    /// Why a session was ended.
    pub enum EndReason {
        /// Signed out on one device, by the user or someone who manages them.
        Logout = "logout",
        /// Signed out on all devices, by the user or someone who manages them.
        LogoutAll = "logout_all",
        /// A replaced refresh token was used again.
        ReuseDetected = "reuse_detected",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// The account was disabled or locked.
        Disabled = "disabled",
    }
}

/// A session to insert.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) refresh_hash: [u8; 32],
    pub(crate) amr: &'a [String],
    pub(crate) device_name: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) device_hash: [u8; 32],
    pub(crate) address: Option<String>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// A session for which a refresh token was presented.
#[derive(Debug)]
pub(crate) struct LockedSession {
    pub(crate) user: UserId,
    pub(crate) stored: StoredToken,
    pub(crate) amr: Vec<String>,
    pub(crate) authenticated_at: DateTime<Utc>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    /// Whether the session has neither ended nor expired and its user may sign in.
    pub(crate) alive: bool,
}

/// Inserts a session.
pub(crate) async fn insert_session(tx: &mut TenantTx, new: &NewSession<'_>) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into identity.sessions (
            tenant_id, session_id, user_id, refresh_hash, rotated_at, device_name, user_agent, address, expires_at,
            created_at, device_hash
        )
        values ($1, $2, $3, $4, $9, $5, $6, $7, $8, $9, $10)",
        tenant as _,
        new.id as _,
        new.user as _,
        &new.refresh_hash,
        new.device_name,
        new.user_agent,
        new.address,
        new.expires_at,
        now,
        &new.device_hash,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into access.sessions (tenant_id, session_id, user_id, amr, proved_at, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $5, $6)",
        tenant as _,
        new.id as _,
        new.user as _,
        new.amr,
        now,
        new.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Records the impersonating actor of a session that has just been inserted.
pub(crate) async fn set_acting_actor(
    tx: &mut TenantTx,
    session: SessionId,
    actor: Actor,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.sessions
        set acting_kind = $3, acting_id = $4
        where tenant_id = $1 and session_id = $2",
        tenant as _,
        session as _,
        actor.kind as _,
        actor.id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Finds and locks the session, so that concurrent refreshes run one after the other.
pub(crate) async fn lock_session(
    tx: &mut TenantTx,
    session: SessionId,
) -> Result<Option<LockedSession>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let row = sqlx::query!(
        r#"select
            s.user_id as "user_id: UserId", s.generation, s.refresh_hash, s.previous_hash, s.rotated_at, s.created_at, s.expires_at, a.amr,
            coalesce(a.proved_at, a.created_at) as "proved_at!",
            (s.revoked_at is null and s.expires_at > $3 and u.status = 'active') as "alive!"
        from identity.sessions s
        join access.sessions a on a.tenant_id = s.tenant_id and a.session_id = s.session_id
        join identity.users u on u.tenant_id = s.tenant_id and u.user_id = s.user_id
        where s.tenant_id = $1 and s.session_id = $2
        for update of s"#,
        tenant as _,
        session as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| LockedSession {
        user: row.user_id,
        stored: StoredToken {
            generation: row.generation,
            refresh_hash: row.refresh_hash,
            previous_hash: row.previous_hash,
            rotated_at: row.rotated_at,
        },
        amr: row.amr,
        authenticated_at: row.proved_at,
        created_at: row.created_at,
        expires_at: row.expires_at,
        alive: row.alive,
    }))
}

/// Stores the next refresh token.
pub(crate) async fn rotate_session(
    tx: &mut TenantTx,
    child: &RefreshToken,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.sessions
        set generation = $3, previous_hash = refresh_hash, refresh_hash = $4, rotated_at = $5, expires_at = $6
        where tenant_id = $1 and session_id = $2",
        tenant as _,
        child.session as _,
        child.generation,
        &child.hash(),
        now,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "update access.sessions
        set expires_at = $3
        where tenant_id = $1 and session_id = $2",
        tenant as _,
        child.session as _,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Records a reauthentication in this session. `false` if it has ended.
pub(crate) async fn step_up_session(
    tx: &mut TenantTx,
    user: UserId,
    session: SessionId,
    amr: &[String],
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let proved = sqlx::query!(
        "update access.sessions
        set amr = $4, proved_at = $5
        where tenant_id = $1 and user_id = $2 and session_id = $3 and revoked_at is null",
        tenant as _,
        user as _,
        session as _,
        amr,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(proved.rows_affected() == 1)
}

/// Ends one session of a user, or all of them together with open MFA challenges. Returns the sessions that were active.
pub(crate) async fn end_sessions(
    tx: &mut TenantTx,
    user: UserId,
    only: Option<SessionId>,
    reason: EndReason,
) -> Result<Vec<SessionId>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let ended = sqlx::query_scalar!(
        r#"update identity.sessions
        set revoked_at = $4, revoked_reason = $5
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or session_id = $3) and revoked_at is null
        returning session_id as "session_id: SessionId""#,
        tenant as _,
        user as _,
        only as _,
        now,
        reason as _,
    )
    .fetch_all(tx.conn())
    .await?;
    if only.is_none() {
        mfa_challenges::void_challenges(tx, user).await?;
    }
    sqlx::query!(
        "update access.sessions
        set revoked_at = $4
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or session_id = $3) and revoked_at is null",
        tenant as _,
        user as _,
        only as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(ended)
}

/// Ends all sessions of a user except one. Returns the sessions that were active.
pub(crate) async fn end_other_sessions(
    tx: &mut TenantTx,
    user: UserId,
    kept: SessionId,
    reason: EndReason,
) -> Result<Vec<SessionId>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let ended = sqlx::query_scalar!(
        r#"update identity.sessions
        set revoked_at = $4, revoked_reason = $5
        where tenant_id = $1 and user_id = $2 and session_id <> $3 and revoked_at is null
        returning session_id as "session_id: SessionId""#,
        tenant as _,
        user as _,
        kept as _,
        now,
        reason as _,
    )
    .fetch_all(tx.conn())
    .await?;
    sqlx::query!(
        "update access.sessions
        set revoked_at = $4
        where tenant_id = $1 and user_id = $2 and session_id <> $3 and revoked_at is null",
        tenant as _,
        user as _,
        kept as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(ended)
}

/// The addresses from which an account signed in since `since`.
pub(crate) async fn list_addresses(
    tx: &mut TenantTx,
    email: &str,
    since: DateTime<Utc>,
) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select distinct s.address as "address!"
        from identity.sessions s
        join identity.users u on u.tenant_id = s.tenant_id and u.user_id = s.user_id
        where s.tenant_id = $1 and u.email = $2 and s.created_at > $3 and s.address is not null
        limit 200"#,
        tenant as _,
        email,
        since,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Whether a user signs in with a new device; `false` at the very first sign-in. Sessions without a device fingerprint are ignored.
pub(crate) async fn is_new_device(
    tx: &mut TenantTx,
    user: UserId,
    device_hash: &[u8; 32],
) -> Result<bool> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select (count(*) > 0 and not coalesce(bool_or(device_hash = $3), false)) as "new!"
        from identity.sessions
        where tenant_id = $1 and user_id = $2 and device_hash is not null"#,
        tenant as _,
        user as _,
        device_hash.as_slice(),
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The details of a session, for its owner.
#[derive(Debug)]
pub(crate) struct SessionDevice {
    pub(crate) device_name: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Finds a user's session.
pub(crate) async fn find_session_device(
    tx: &mut TenantTx,
    user: UserId,
    session: SessionId,
) -> Result<Option<SessionDevice>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        SessionDevice,
        "select device_name, created_at, expires_at
        from identity.sessions
        where tenant_id = $1 and user_id = $2 and session_id = $3",
        tenant as _,
        user as _,
        session as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

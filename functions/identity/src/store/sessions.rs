//! Signed-in devices: the secret side here, and whether they live in `access.sessions`.

use chrono::{DateTime, Utc};
use db::{Actor, Result, TenantTx};
use ids::{SessionId, UserId};

use super::mfa_challenges;
use crate::domain::refresh_token::{Kept, RefreshToken};

web::text_enum! {
    /// Why a session was ended.
    pub enum EndReason {
        /// Signed out on one device: there, from another, or by whoever manages the person.
        Logout = "logout",
        /// Signed out everywhere, by the person or whoever manages them.
        LogoutAll = "logout_all",
        /// A replaced refresh token was used again.
        ReuseDetected = "reuse_detected",
        /// The password is another one.
        PasswordChanged = "password_changed",
        /// The account was disabled or locked.
        Disabled = "disabled",
    }
}

/// A device to be signed in.
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

/// A session to which somebody presents a refresh token.
#[derive(Debug)]
pub(crate) struct Presented {
    pub(crate) user: UserId,
    pub(crate) kept: Kept,
    pub(crate) amr: Vec<String>,
    pub(crate) proved_at: DateTime<Utc>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    /// Neither ended nor expired, and its person may sign in.
    pub(crate) alive: bool,
}

/// Signs a device in.
pub(crate) async fn insert_session(
    tx: &mut TenantTx,
    new: &NewSession<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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

/// Says who really acts in a session that has just been inserted.
pub(crate) async fn mark_acting(tx: &mut TenantTx, session: SessionId, actor: Actor) -> Result<()> {
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

/// The session, locked: everybody who presents a token of it at the same time comes one after the other.
pub(crate) async fn lock_session(
    tx: &mut TenantTx,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<Option<Presented>> {
    let tenant = tx.tenant();
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
    Ok(row.map(|row| Presented {
        user: row.user_id,
        kept: Kept {
            generation: row.generation,
            refresh_hash: row.refresh_hash,
            previous_hash: row.previous_hash,
            rotated_at: row.rotated_at,
        },
        amr: row.amr,
        proved_at: row.proved_at,
        created_at: row.created_at,
        expires_at: row.expires_at,
        alive: row.alive,
    }))
}

/// Puts the next refresh token in force.
pub(crate) async fn rotate_session(
    tx: &mut TenantTx,
    child: &RefreshToken,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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

/// Notes that the person has just proved who they are in this session. `false` when it has ended.
pub(crate) async fn prove_session(
    tx: &mut TenantTx,
    user: UserId,
    session: SessionId,
    amr: &[String],
    now: DateTime<Utc>,
) -> Result<bool> {
    let tenant = tx.tenant();
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

/// Ends sessions of a person: one, or all with the sign-ins that wait for a second factor. Answers those that were alive.
pub(crate) async fn end_sessions(
    tx: &mut TenantTx,
    user: UserId,
    only: Option<SessionId>,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>> {
    let tenant = tx.tenant();
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
        mfa_challenges::void_challenges(tx, user, now).await?;
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

/// Ends every session of a person but one. Answers those that were alive.
pub(crate) async fn end_other_sessions(
    tx: &mut TenantTx,
    (user, kept): (UserId, SessionId),
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>> {
    let tenant = tx.tenant();
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

/// Whether a device is new to a person who has used others: never at the first sign-in of all. Sessions from before devices were
/// told apart count as nothing.
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

/// What the person who uses a session may know of it.
#[derive(Debug)]
pub(crate) struct KnownDevice {
    pub(crate) device_name: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// A person's session.
pub(crate) async fn find_device(
    tx: &mut TenantTx,
    user: UserId,
    session: SessionId,
) -> Result<Option<KnownDevice>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        KnownDevice,
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

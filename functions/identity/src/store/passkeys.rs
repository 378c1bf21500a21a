//! Passkeys and their challenges.

use crate::ids::PasskeyChallenge;
use crate::ids::PasskeyId;
use access::list::tombstones;
use access::opaque::Opaque;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::UserId;

/// A passkey.
#[derive(Debug)]
pub(crate) struct PasskeyRow {
    pub(crate) id: PasskeyId,
    pub(crate) user: UserId,
    pub(crate) rp_id: String,
    pub(crate) credential_id: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) name: String,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Returns the user's passkeys, oldest first.
pub(crate) async fn list_passkeys(tx: &mut TenantTx, user: UserId) -> Result<Vec<PasskeyRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        PasskeyRow,
        r#"select
            passkey_id as "id: PasskeyId", user_id as "user: UserId", rp_id, credential_id, public_key, name,
            last_used_at, created_at
        from identity.passkeys
        where tenant_id = $1 and user_id = $2
        order by created_at, passkey_id"#,
        tenant as _,
        user as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Finds the passkey with this credential ID.
pub(crate) async fn find_passkey(
    tx: &mut TenantTx,
    credential_id: &[u8],
) -> Result<Option<PasskeyRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        PasskeyRow,
        r#"select
            passkey_id as "id: PasskeyId", user_id as "user: UserId", rp_id, credential_id, public_key, name,
            last_used_at, created_at
        from identity.passkeys
        where tenant_id = $1 and credential_id = $2"#,
        tenant as _,
        credential_id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Inserts a passkey. `false` if its credential is already registered.
pub(crate) async fn insert_passkey(
    tx: &mut TenantTx,
    new: &PasskeyRow,
    sign_count: u32,
) -> Result<bool> {
    let tenant = tx.tenant();
    let inserted = sqlx::query!(
        "insert into identity.passkeys (
            tenant_id, passkey_id, user_id, rp_id, credential_id, public_key, sign_count, name, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict on constraint passkeys_credential_key do nothing",
        tenant as _,
        new.id as _,
        new.user as _,
        new.rp_id,
        new.credential_id,
        new.public_key,
        i64::from(sign_count),
        new.name,
        new.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Records a use. `false` if the signature counter did not increase, which suggests a cloned authenticator.
pub(crate) async fn record_passkey_use(
    tx: &mut TenantTx,
    passkey: PasskeyId,
    sign_count: u32,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let noted = sqlx::query!(
        "update identity.passkeys
        set sign_count = $3::bigint, last_used_at = $4
        where tenant_id = $1 and passkey_id = $2 and (sign_count < $3::bigint or (sign_count = 0 and $3::bigint = 0))",
        tenant as _,
        passkey as _,
        i64::from(sign_count),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// The name of the list.
pub(crate) const NAME: &str = "passkeys";

/// Deletes one or all passkeys of a user, and returns their number.
pub(crate) async fn delete_passkeys(
    tx: &mut TenantTx,
    user: UserId,
    only: Option<PasskeyId>,
) -> Result<usize> {
    let tenant = tx.tenant();
    let deleted = sqlx::query_scalar!(
        r#"delete from identity.passkeys
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or passkey_id = $3)
        returning passkey_id as "id: PasskeyId""#,
        tenant as _,
        user as _,
        only as _,
    )
    .fetch_all(tx.conn())
    .await?;
    for id in &deleted {
        tombstones::record(tx, NAME, id, 1).await?;
    }
    Ok(deleted.len())
}

/// Inserts a challenge and deletes some expired ones.
pub(crate) async fn insert_passkey_challenge(
    tx: &mut TenantTx,
    challenge: &Opaque<PasskeyChallenge>,
    user: Option<UserId>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "delete from identity.passkey_challenges
        where tenant_id = $1 and passkey_challenge_id in (
            select passkey_challenge_id
            from identity.passkey_challenges
            where tenant_id = $1 and expires_at <= $2
            limit 100
            for update skip locked
        )",
        tenant as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into identity.passkey_challenges (tenant_id, passkey_challenge_id, user_id, secret_hash, expires_at)
        values ($1, $2, $3, $4, $5)",
        tenant as _,
        challenge.row as _,
        user as _,
        &challenge.hash(),
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a challenge that was issued to this user or to no particular user. Only one of several concurrent attempts succeeds.
pub(crate) async fn use_passkey_challenge(
    tx: &mut TenantTx,
    challenge: &Opaque<PasskeyChallenge>,
    user: Option<UserId>,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let done = sqlx::query!(
        "delete from identity.passkey_challenges
        where tenant_id = $1 and passkey_challenge_id = $2 and secret_hash = $3
            and user_id is not distinct from $4 and expires_at > $5",
        tenant as _,
        challenge.row as _,
        &challenge.hash(),
        user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

//! Keys that sign access tokens. They are global, so their tables have no tenant.

use access::token::RETIREMENT_PERIOD;
use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};

web::text_enum! {
    /// Status of a signing key.
    pub enum KeyStatus {
        /// Published, but not used yet.
        Next = "next",
        /// Signs.
        Current = "current",
        /// No longer signs, but verifies until the last token has expired.
        Retired = "retired",
    }
}

/// A next or current key, and since when it has that status.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyState {
    pub(crate) status: KeyStatus,
    pub(crate) since: DateTime<Utc>,
}

/// The current signing key.
#[derive(Debug)]
pub(crate) struct SealedKey {
    pub(crate) key_id: String,
    pub(crate) private_key_sealed: Vec<u8>,
}

/// A key that verifies tokens.
#[derive(Debug)]
pub(crate) struct PublicKey {
    pub(crate) key_id: String,
    pub(crate) public_key: Vec<u8>,
}

/// Serialises key generation across processes until the end of the transaction.
pub(crate) async fn lock_keys(tx: &mut UnscopedTx) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('identity.signing_keys', 0))")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Like [`lock_keys`], without waiting: `false` if another transaction holds the lock.
pub(crate) async fn try_lock_keys(tx: &mut UnscopedTx) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('identity.signing_keys', 0)) as "locked!""#
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The current signing key.
pub(crate) async fn find_current_key(tx: &mut UnscopedTx) -> Result<Option<SealedKey>> {
    Ok(sqlx::query_as!(
        SealedKey,
        "select k.key_id, k.private_key_sealed
        from identity.signing_keys k
        join access.signing_keys p on p.key_id = k.key_id
        where p.status = 'current'
        order by p.created_at desc
        limit 1"
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Inserts a key, which publishes it.
pub(crate) async fn insert_key(
    tx: &mut UnscopedTx,
    key: &SealedKey,
    public_key: &[u8],
    status: KeyStatus,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into access.signing_keys (key_id, public_key, status, created_at)
        values ($1, $2, $3, $4)",
        key.key_id,
        public_key,
        status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into identity.signing_keys (key_id, private_key_sealed, created_at)
        values ($1, $2, $3)",
        key.key_id,
        key.private_key_sealed,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Returns the next and the current key. Exact under [`lock_keys`].
pub(crate) async fn list_key_states(tx: &mut UnscopedTx) -> Result<Vec<KeyState>> {
    Ok(sqlx::query_as!(
        KeyState,
        r#"select status as "status: KeyStatus", coalesce(activated_at, created_at) as "since!"
        from access.signing_keys
        where status in ('next', 'current')"#
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Retires the current key and deletes its private half.
pub(crate) async fn retire_current_key(tx: &mut UnscopedTx, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "with retired as (
            update access.signing_keys
            set status = 'retired', retired_at = $1
            where status = 'current'
            returning key_id
        )
        delete from identity.signing_keys
        where key_id in (select key_id from retired)",
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes the next key the current one.
pub(crate) async fn promote_next_key(tx: &mut UnscopedTx, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update access.signing_keys
        set status = 'current', activated_at = $1
        where status = 'next'",
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes retired keys that no valid token needs any more.
pub(crate) async fn delete_retired_keys(tx: &mut UnscopedTx, now: DateTime<Utc>) -> Result<u64> {
    let deleted = sqlx::query!(
        "delete from access.signing_keys
        where status = 'retired' and retired_at <= $1",
        now - RETIREMENT_PERIOD,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}

/// Returns all keys that verify current or upcoming tokens.
pub(crate) async fn list_public_keys(
    tx: &mut UnscopedTx,
    now: DateTime<Utc>,
) -> Result<Vec<PublicKey>> {
    Ok(sqlx::query_as!(
        PublicKey,
        "select key_id, public_key
        from access.signing_keys
        where retired_at is null or retired_at > $1
        order by created_at, key_id",
        now - RETIREMENT_PERIOD,
    )
    .fetch_all(tx.conn())
    .await?)
}

//! Keys that sign access tokens. They belong to no tenant: their tables have none.

use chrono::{DateTime, Utc};
use db::{Result, UnscopedTx};

/// The key that signs now.
#[derive(Debug)]
pub(crate) struct SealedKey {
    pub(crate) key_id: String,
    pub(crate) private_key_sealed: Vec<u8>,
}

/// A key that tokens may be checked with.
#[derive(Debug)]
pub(crate) struct PublicKey {
    pub(crate) key_id: String,
    pub(crate) public_key: Vec<u8>,
}

/// Makes other processes wait that would make a key too, until the end of the transaction.
pub(crate) async fn lock_keys(tx: &mut UnscopedTx) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('identity.signing_keys', 0))")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The key that signs now.
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

/// Puts a key in force.
pub(crate) async fn insert_current_key(
    tx: &mut UnscopedTx,
    key: &SealedKey,
    public_key: &[u8],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into access.signing_keys (key_id, public_key, status, created_at)
        values ($1, $2, 'current', $3)",
        key.key_id,
        public_key,
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

/// Every key with which somebody may still have to check a token.
pub(crate) async fn list_public_keys(tx: &mut UnscopedTx) -> Result<Vec<PublicKey>> {
    Ok(sqlx::query_as!(
        PublicKey,
        "select key_id, public_key
        from access.signing_keys
        order by created_at, key_id"
    )
    .fetch_all(tx.conn())
    .await?)
}

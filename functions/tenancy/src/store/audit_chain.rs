//! The chain of the audit log: rows to seal, sealed rows, and the head.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx, UnscopedTx};
use ids::{AuditEntryId, TenantId};

use crate::domain::audit_chain::ChainRow;

/// An upper bound of positions, low enough to add to.
const MAX_SEQUENCE: i64 = i64::MAX / 2;

/// The end of a tenant's chain.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) sequence: i64,
    pub(crate) chain_hash: Vec<u8>,
    /// When the job last left no row unsealed.
    pub(crate) caught_up_at: Option<DateTime<Utc>>,
}

/// The position and hash of a row.
#[derive(Clone, Debug)]
pub(crate) struct Seal {
    pub(crate) id: AuditEntryId,
    pub(crate) sequence: i64,
    pub(crate) chain_hash: [u8; 32],
}

/// Lists tenants with rows to seal.
pub(crate) async fn list_unsealed_tenants(tx: &mut UnscopedTx) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select tenancy.unsealed_tenants() as "id!: TenantId""#)
            .fetch_all(tx.conn())
            .await?,
    )
}

/// Lists tenants that have a chain.
pub(crate) async fn list_chained_tenants(tx: &mut UnscopedTx) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select tenancy.chained_tenants() as "id!: TenantId""#)
            .fetch_all(tx.conn())
            .await?,
    )
}

/// Locks the head, and creates it if needed. No other process seals rows of this tenant until the end of the
/// transaction.
pub(crate) async fn lock_head(tx: &mut TenantTx) -> Result<Head> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        Head,
        "insert into tenancy.audit_heads as h (tenant_id, sequence, chain_hash, updated_at)
        values ($1, 0, '', $2)
        on conflict on constraint audit_heads_pkey do update set updated_at = excluded.updated_at
        returning sequence, chain_hash, caught_up_at",
        tenant as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Finds the head, if anything was ever sealed.
pub(crate) async fn find_head(tx: &mut TenantTx) -> Result<Option<Head>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Head,
        "select sequence, chain_hash, caught_up_at
        from tenancy.audit_heads
        where tenant_id = $1",
        tenant as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Updates the head. Requires [`lock_head`].
pub(crate) async fn update_head(tx: &mut TenantTx, head: &Head) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update tenancy.audit_heads
        set sequence = $2, chain_hash = $3, caught_up_at = $4
        where tenant_id = $1",
        tenant as _,
        head.sequence,
        head.chain_hash,
        head.caught_up_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lists rows that are not sealed and not older than `since`, oldest first.
pub(crate) async fn list_unsealed(
    tx: &mut TenantTx,
    since: Option<DateTime<Utc>>,
    max: i64,
) -> Result<Vec<ChainRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        ChainRow,
        r#"select
            audit_entry_id as "id: AuditEntryId", occurred_at, actor_kind, actor_id, action, resource_kind, resource_id,
            changes::text as "changes!", reason, request_id, address, sequence, chain_hash, chain_key
        from access.audit_log
        where tenant_id = $1 and sequence is null and ($2::timestamptz is null or occurred_at >= $2)
        order by occurred_at, audit_entry_id
        limit $3"#,
        tenant as _,
        since,
        max,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Lists rows that are not sealed although they are older than `before`, and rows at invalid positions.
pub(crate) async fn list_never_sealed(
    tx: &mut TenantTx,
    before: DateTime<Utc>,
    max: i64,
) -> Result<Vec<AuditEntryId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select audit_entry_id as "id: AuditEntryId"
        from access.audit_log
        where tenant_id = $1 and ((sequence is null and occurred_at < $2) or sequence < 1 or sequence >= $4)
        order by occurred_at, audit_entry_id
        limit $3"#,
        tenant as _,
        before,
        max,
        MAX_SEQUENCE,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Stores the seals of rows.
pub(crate) async fn seal_rows(tx: &mut TenantTx, key: u8, seals: &[Seal]) -> Result<()> {
    let tenant = tx.tenant();
    let ids: Vec<AuditEntryId> = seals.iter().map(|seal| seal.id).collect();
    let sequences: Vec<i64> = seals.iter().map(|seal| seal.sequence).collect();
    let hashes: Vec<Vec<u8>> = seals.iter().map(|seal| seal.chain_hash.to_vec()).collect();
    sqlx::query!(
        "update access.audit_log l
        set sequence = s.sequence, chain_hash = s.chain_hash, chain_key = $2
        from unnest($3::uuid[], $4::bigint[], $5::bytea[]) s (id, sequence, chain_hash)
        where l.tenant_id = $1 and l.audit_entry_id = s.id and l.sequence is null",
        tenant as _,
        i16::from(key),
        &ids as _,
        &sequences,
        &hashes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lists the hashes at a position: one, unless the log was tampered with.
pub(crate) async fn list_hashes(tx: &mut TenantTx, sequence: i64) -> Result<Vec<Vec<u8>>> {
    let tenant = tx.tenant();
    let hashes = sqlx::query_scalar!(
        "select chain_hash
        from access.audit_log
        where tenant_id = $1 and sequence = $2",
        tenant as _,
        sequence,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(hashes.into_iter().flatten().collect())
}

/// Lists sealed rows after a position, in order: those within the next `positions` positions from the first row found.
pub(crate) async fn list_sealed(
    tx: &mut TenantTx,
    after: i64,
    positions: i64,
) -> Result<Vec<ChainRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        ChainRow,
        r#"select
            audit_entry_id as "id: AuditEntryId", occurred_at, actor_kind, actor_id, action, resource_kind, resource_id,
            changes::text as "changes!", reason, request_id, address, sequence, chain_hash, chain_key
        from access.audit_log
        where tenant_id = $1 and sequence > $2 and sequence < $4 and sequence < $3 + (
            select min(n.sequence)
            from access.audit_log n
            where n.tenant_id = $1 and n.sequence > $2 and n.sequence < $4
        )
        order by sequence, audit_entry_id"#,
        tenant as _,
        after,
        positions,
        MAX_SEQUENCE,
    )
    .fetch_all(tx.conn())
    .await?)
}

//! Hashed recovery codes.

use db::{Result, TenantTx};
use ids::UserId;

use crate::domain::recovery_code::RecoveryCode;

/// Replaces all codes of a user.
pub(crate) async fn replace_recovery_codes(
    tx: &mut TenantTx,
    user: UserId,
    codes: &[RecoveryCode],
) -> Result<()> {
    delete_recovery_codes(tx, user).await?;
    let (tenant, now) = (tx.tenant(), tx.now());
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.hash().to_vec()).collect();
    sqlx::query!(
        "insert into identity.mfa_recovery_codes (tenant_id, user_id, code_hash, created_at)
        select $1, $2, code_hash, $4
        from unnest($3::bytea[]) codes (code_hash)",
        tenant as _,
        user as _,
        &hashes,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes all codes of a user.
pub(crate) async fn delete_recovery_codes(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from identity.mfa_recovery_codes
        where tenant_id = $1 and user_id = $2",
        tenant as _,
        user as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a code. Only one of several concurrent attempts succeeds.
pub(crate) async fn use_recovery_code(
    tx: &mut TenantTx,
    user: UserId,
    code: &RecoveryCode,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let done = sqlx::query!(
        "update identity.mfa_recovery_codes
        set used_at = $4
        where tenant_id = $1 and user_id = $2 and code_hash = $3 and used_at is null",
        tenant as _,
        user as _,
        &code.hash(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts the unused codes.
pub(crate) async fn count_recovery_codes(tx: &mut TenantTx, user: UserId) -> Result<i64> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "left!"
        from identity.mfa_recovery_codes
        where tenant_id = $1 and user_id = $2 and used_at is null"#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

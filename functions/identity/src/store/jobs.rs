//! SQL of the jobs, for one tenant.

use chrono::{DateTime, NaiveDate, Utc};
use db::{Result, TenantTx};
use ids::{SessionId, UserId};

/// Deletes up to `limit` sessions that ended before `before`, and returns their number. Locked sessions are skipped.
pub(crate) async fn delete_ended_sessions(
    tx: &mut TenantTx,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64> {
    let tenant = tx.tenant();
    let ended: Vec<SessionId> = sqlx::query_scalar!(
        r#"delete from identity.sessions
        where tenant_id = $1 and session_id in (
            select s.session_id
            from identity.sessions s
            where s.tenant_id = $1 and least(s.revoked_at, s.expires_at) < $2
            limit $3
            for update skip locked
        )
        returning session_id as "id: SessionId""#,
        tenant as _,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let deleted = sqlx::query!(
        "delete from access.sessions
        where tenant_id = $1 and session_id = any($2)",
        tenant as _,
        &ended as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes up to `limit` links that expired before `before`, and returns their number. Links of registrations are kept until the
/// address is verified, because they show that the user registered.
pub(crate) async fn delete_old_tokens(
    tx: &mut TenantTx,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!(
        "delete from identity.one_time_tokens
        where tenant_id = $1 and one_time_token_id in (
            select t.one_time_token_id
            from identity.one_time_tokens t
            where t.tenant_id = $1 and t.expires_at < $2 and not (
                t.purpose = 'verify_email' and exists (
                    select from identity.users u
                    where u.tenant_id = t.tenant_id and u.user_id = t.user_id and u.status = 'invited'
                )
            )
            limit $3
            for update of t skip locked
        )",
        tenant as _,
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes up to `limit` idempotency keys stored before `before`, and returns their number.
pub(crate) async fn delete_old_idempotency_keys(
    tx: &mut TenantTx,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!(
        "delete from access.idempotency_keys
        where tenant_id = $1 and (principal, method, path, idempotency_key) in (
            select k.principal, k.method, k.path, k.idempotency_key
            from access.idempotency_keys k
            where k.tenant_id = $1 and k.created_at < $2
            limit $3
            for update skip locked
        )",
        tenant as _,
        before,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}

/// A certificate that expires soon.
#[derive(Debug)]
pub(crate) struct ExpiringCertificate {
    pub(crate) user: UserId,
    pub(crate) version: i32,
    pub(crate) skill: String,
    pub(crate) valid_until: NaiveDate,
}

/// Records the certificates that expire between today and `until`. Each is returned only once, even to concurrent callers.
pub(crate) async fn record_expiring_certificates(
    tx: &mut TenantTx,
    until: NaiveDate,
) -> Result<Vec<ExpiringCertificate>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        ExpiringCertificate,
        r#"with noted as (
            insert into identity.certificate_notices (tenant_id, user_id, skill, valid_until, announced_at)
            select e.tenant_id, e.user_id, e.skill, e.certificate_valid_until, $4
            from identity.expertise e
            join identity.users u on u.tenant_id = e.tenant_id and u.user_id = e.user_id
            where e.tenant_id = $1 and e.certificate_valid_until between $2 and $3
                and u.status in ('invited', 'active', 'locked')
            order by e.user_id, e.skill
            on conflict on constraint certificate_notices_pkey do nothing
            returning user_id, skill, valid_until
        )
        select n.user_id as "user!: UserId", u.version as "version!", n.skill as "skill!", n.valid_until as "valid_until!"
        from noted n
        join identity.users u on u.tenant_id = $1 and u.user_id = n.user_id
        order by n.user_id, n.skill"#,
        tenant as _,
        now.date_naive(),
        until,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

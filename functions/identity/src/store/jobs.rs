//! What jobs do in one tenant.

use chrono::{DateTime, NaiveDate, Utc};
use db::{Result, TenantTx};
use ids::{SessionId, UserId};

/// Deletes up to `most` sessions that ended before `before`, and answers how many. One that somebody is just using is left for
/// the next time.
pub(crate) async fn delete_ended_sessions(
    tx: &mut TenantTx,
    before: DateTime<Utc>,
    most: i64,
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
        most,
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

/// Deletes up to `most` links that were good until before `before`, and answers how many. Those by which somebody registered stay
/// until the address is proved: they tell who came uninvited.
pub(crate) async fn delete_old_tokens(
    tx: &mut TenantTx,
    before: DateTime<Utc>,
    most: i64,
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
        most,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes up to `most` answers to repeated requests that were kept before `before`, and says how many.
pub(crate) async fn delete_old_answers(
    tx: &mut TenantTx,
    before: DateTime<Utc>,
    most: i64,
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
        most,
    )
    .execute(tx.conn())
    .await?;
    Ok(deleted.rows_affected())
}

/// A certificate that ends soon.
#[derive(Debug)]
pub(crate) struct Expiring {
    pub(crate) user: UserId,
    pub(crate) version: i32,
    pub(crate) skill: String,
    pub(crate) valid_until: NaiveDate,
}

/// Notes the certificates that end from `today` to `until` and have not been noted: each is answered once, however many ask.
pub(crate) async fn note_expiring(
    tx: &mut TenantTx,
    (today, until): (NaiveDate, NaiveDate),
    now: DateTime<Utc>,
) -> Result<Vec<Expiring>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Expiring,
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
        today,
        until,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

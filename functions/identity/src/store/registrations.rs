//! Registrations whose email address is not verified yet.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::UserId;

/// Counts the registrations that wait.
pub(crate) async fn count_pending(tx: &mut TenantTx) -> Result<i64> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!"
        from identity.users u
        where u.tenant_id = $1 and u.status = 'invited' and exists (
            select from identity.one_time_tokens t
            where t.tenant_id = u.tenant_id and t.user_id = u.user_id and t.purpose = 'verify_email'
        )"#,
        tenant as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Erases up to `limit` registrations that were last repeated before `before`, the oldest first, and returns their number. The address
/// can be registered again. The row stays without personal data, because messages and tickets may refer to it.
pub(crate) async fn erase_pending(
    tx: &mut TenantTx,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let erased: Vec<UserId> = sqlx::query_scalar!(
        r#"update identity.users
        set status = 'erased', email = user_id::text || '@erased.invalid', given_name = '', family_name = '', display_name = '',
            phone = null, version = version + 1, updated_at = $4
        where tenant_id = $1 and user_id in (
            select u.user_id
            from identity.users u
            cross join lateral (
                select max(t.created_at) as at
                from identity.one_time_tokens t
                where t.tenant_id = u.tenant_id and t.user_id = u.user_id and t.purpose = 'verify_email'
            ) registered
            where u.tenant_id = $1 and u.status = 'invited' and registered.at < $2
            order by registered.at
            limit $3
            for update of u skip locked
        )
        returning user_id as "id: UserId""#,
        tenant as _,
        before,
        limit,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    sqlx::query!(
        "update access.people
        set status = 'erased', email = user_id::text || '@erased.invalid', display_name = '', updated_at = $3
        where tenant_id = $1 and user_id = any($2)",
        tenant as _,
        &erased as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "delete from identity.one_time_tokens
        where tenant_id = $1 and user_id = any($2)",
        tenant as _,
        &erased as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(erased.len() as u64)
}

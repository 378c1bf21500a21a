//! Rules across all users of a tenant: seats, and the last admin.

use db::{Result, TenantTx};
use ids::UserId;

/// Seats of the licence.
#[derive(Debug)]
pub(crate) struct Seats {
    pub(crate) taken: i64,
    pub(crate) max_users: i32,
}

/// Serialises requests that add users or assign roles in this tenant until the end of the transaction.
pub(crate) async fn lock_people(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('identity.people ' || $1::uuid::text, 0))",
        tenant as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Counts the seats of the licence in force, and how many are taken: by active and locked users, and by invitations that can still be
/// accepted. A registration takes one when its address is verified. Exact under [`lock_people`].
pub(crate) async fn count_seats(tx: &mut TenantTx) -> Result<Option<Seats>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        Seats,
        r#"select
            coalesce(
                (
                    select (u.terms ->> 'max_users')::integer
                    from jsonb_array_elements(t.upcoming) u (terms)
                    where (u.terms ->> 'from')::timestamptz <= $2
                    order by (u.terms ->> 'from')::timestamptz desc
                    limit 1
                ),
                t.max_users
            ) as "max_users!",
            (
                select count(*)
                from identity.users u
                where u.tenant_id = t.tenant_id and (
                    u.status in ('active', 'locked')
                    or u.status = 'invited' and exists (
                        select from identity.one_time_tokens i
                        where i.tenant_id = u.tenant_id and i.user_id = u.user_id and i.purpose = 'invite'
                            and i.used_at is null and i.expires_at > $2
                    )
                )
            ) as "taken!"
        from access.tenants t
        where t.tenant_id = $1"#,
        tenant as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether an invited user holds a seat, because the invitation can still be accepted. Exact under [`lock_people`].
pub(crate) async fn has_seat(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_scalar!(
        r#"select exists (
            select from identity.one_time_tokens
            where tenant_id = $1 and user_id = $2 and purpose = 'invite' and used_at is null and expires_at > $3
        ) as "has_seat!""#,
        tenant as _,
        user as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Counts the other users who can manage the tenant. Exact under [`lock_people`].
pub(crate) async fn count_other_admins(tx: &mut TenantTx, except: UserId) -> Result<i64> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!"
        from identity.users u
        join access.roles r on r.tenant_id = u.tenant_id and r.role_id = u.role_id
        where u.tenant_id = $1 and u.user_id <> $2 and u.status = 'active'
            and r.built_in and r.base_role in ('admin', 'superadmin')"#,
        tenant as _,
        except as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

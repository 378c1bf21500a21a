//! Users who take a seat, as `access` stores them.

use db::{Result, TenantTx};
use ids::UserId;

/// A user who takes a seat.
#[derive(Debug)]
pub(crate) struct SeatRow {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) status: String,
}

/// Counts the seats in use, by users and by invitations.
pub(crate) async fn count_seats_taken(tx: &mut TenantTx) -> Result<i64> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!"
        from access.people
        where tenant_id = $1 and status in ('invited', 'active', 'locked')"#,
        tenant as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Lists the users to remove first: invitations, then the newest users, and admins last, so that the tenant keeps one.
/// User IDs are ordered by time.
pub(crate) async fn list_removal_candidates(tx: &mut TenantTx, max: i64) -> Result<Vec<SeatRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        SeatRow,
        r#"select p.user_id as "id: UserId", p.display_name as name, r.name as role, p.status
        from access.people p
        join access.roles r on r.tenant_id = p.tenant_id and r.role_id = p.role_id
        where p.tenant_id = $1 and p.status in ('invited', 'active', 'locked')
        order by (r.built_in and r.base_role in ('admin', 'superadmin')), (p.status <> 'invited'), p.user_id desc
        limit $2"#,
        tenant as _,
        max,
    )
    .fetch_all(tx.conn())
    .await?)
}

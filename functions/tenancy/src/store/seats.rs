//! Who takes a seat, as `access` knows people.

use db::{Result, TenantTx};
use ids::UserId;

/// Somebody who takes a seat.
#[derive(Debug)]
pub struct SeatRow {
    pub id: UserId,
    pub name: String,
    pub role: String,
    pub status: String,
}

/// How many seats are taken: by people and by invitations.
pub async fn count_taken(tx: &mut TenantTx) -> Result<i64> {
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

/// Those who would have to go first: invitations, then who came last; admins at the very end, so that the tenant keeps one.
/// Identifiers tell who came when.
pub async fn list_first_to_go(tx: &mut TenantTx, most: i64) -> Result<Vec<SeatRow>> {
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
        most,
    )
    .fetch_all(tx.conn())
    .await?)
}

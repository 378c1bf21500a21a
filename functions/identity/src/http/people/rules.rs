//! Rules that hold for every change of people: who may, how many, and that an admin stays.

use access::{Caller, Permission, Reach};
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::UserId;
use web::{
    Problem,
    problem::{self, FieldCode, Result},
};

use crate::{
    domain::authority::{Holder, lacking, may_handle},
    error::{LAST_ADMIN, ROLE_TOO_POWERFUL, SEATS_EXHAUSTED},
    permissions::RoleAssign,
    store::{roles::RoleRow, seats},
};

/// Whether the caller manages everybody and so sees who is disabled.
pub(crate) fn sees_disabled<P: Permission>(caller: &Caller<P>) -> bool {
    caller.may::<RoleAssign>() == Some(Reach::All)
}

/// The role of this name, or a refusal that names those there are.
pub(crate) fn find_role<'a>(roles: &'a [RoleRow], name: &str) -> Result<&'a RoleRow> {
    roles.iter().find(|role| role.name == name).ok_or_else(|| {
        let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        Problem::field("/role", FieldCode::NotOneOf(names.join(", ")))
    })
}

/// Refuses who would give, take, make, or manage more than they hold.
pub(crate) fn check_authority<P: Permission>(caller: &Caller<P>, role: &RoleRow) -> Result<()> {
    if may_handle(holder(caller), role.view()) {
        Ok(())
    } else {
        let lacking = lacking(&caller.grants, &role.permissions.0);
        Err(ROLE_TOO_POWERFUL
            .problem()
            .argument("role", &role.name)
            .member("lacking", lacking))
    }
}

/// The caller as authority sees them.
pub(crate) fn holder<P: Permission>(caller: &Caller<P>) -> Holder<'_> {
    Holder {
        base_role: &caller.base_role,
        permissions: &caller.grants,
        may_assign: sees_disabled(caller),
    }
}

/// Refuses one person more than the licence seats. Exact under [`seats::lock_people`].
pub(crate) async fn check_seats(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<()> {
    let seats = seats::count_seats(tx, now)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if seats.taken < i64::from(seats.max_users) {
        Ok(())
    } else {
        Err(SEATS_EXHAUSTED
            .problem()
            .argument("max_users", seats.max_users)
            .member("max_users", seats.max_users))
    }
}

/// Refuses to lose the last one who can manage the tenant. Exact under [`seats::lock_people`].
pub(crate) async fn check_last_admin(
    tx: &mut TenantTx,
    role: &RoleRow,
    leaving: UserId,
) -> Result<()> {
    let manages = role.built_in && matches!(role.base_role.as_str(), "admin" | "superadmin");
    if manages && seats::count_other_admins(tx, leaving).await? == 0 {
        return Err(LAST_ADMIN.problem());
    }
    Ok(())
}

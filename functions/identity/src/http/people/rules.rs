//! Rules for every change of users: authority, seats, and that an admin remains.

use access::{Caller, Permission, Reach, ReachKind};
use db::TenantTx;
use ids::UserId;
use web::{
    Problem,
    problem::{self, FieldCode, Result},
};

use crate::{
    domain::authority::{RoleHolder, can_manage, missing_permissions},
    error::{LAST_ADMIN, ROLE_TOO_POWERFUL, SEATS_EXHAUSTED},
    permissions::{
        RoleAssign, RoleUpdate, UserCreate, UserDisable, UserImpersonate, UserImport, UserResetMfa,
        UserUpdate,
    },
    store::{roles::RoleRow, seats},
};

/// Whether the caller manages all users and therefore sees disabled ones.
pub(crate) fn can_see_disabled<P: Permission>(caller: &Caller<P>) -> bool {
    caller.may::<RoleAssign>() == Some(Reach::All)
}

/// Finds the role with this name, or refuses and lists the existing ones.
pub(crate) fn find_role<'a>(roles: &'a [RoleRow], name: &str) -> Result<&'a RoleRow> {
    roles.iter().find(|role| role.name == name).ok_or_else(|| {
        let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        Problem::field("/role", FieldCode::NotOneOf(names.join(", ")))
    })
}

/// Refuses callers who would grant, remove, create or manage a role with more permissions than their own.
pub(crate) fn check_authority<P: Permission>(caller: &Caller<P>, role: &RoleRow) -> Result<()> {
    if can_manage(role_holder(caller), role.view()) {
        Ok(())
    } else {
        let missing = missing_permissions(&caller.grants, &role.permissions.0);
        Err(ROLE_TOO_POWERFUL
            .problem()
            .argument("role", &role.name)
            .member("lacking", missing))
    }
}

/// The caller as input for the authority rules.
pub(crate) fn role_holder<P: Permission>(caller: &Caller<P>) -> RoleHolder<'_> {
    RoleHolder {
        base_role: &caller.base_role,
        permissions: &caller.grants,
        may_assign: can_see_disabled(caller),
    }
}

/// Whether users with this role manage others, so that granting it can take over the organisation: the roles from manager upwards, and
/// every other that was given one of their permissions.
pub(crate) fn manages_people(role: &RoleRow) -> bool {
    const MANAGING: [Option<&str>; 8] = [
        UserCreate::NAME,
        UserImport::NAME,
        UserUpdate::NAME,
        UserDisable::NAME,
        UserResetMfa::NAME,
        UserImpersonate::NAME,
        RoleUpdate::NAME,
        RoleAssign::NAME,
    ];
    let manages = |name: &str| role.permissions.reach(name) == Some(ReachKind::All);
    matches!(role.base_role.as_str(), "superadmin" | "admin" | "manager")
        || MANAGING.into_iter().flatten().any(manages)
}

/// Refuses a user beyond the licence's seats. Exact under [`seats::lock_people`].
pub(crate) async fn check_seats(tx: &mut TenantTx) -> Result<()> {
    let seats = seats::count_seats(tx).await?.ok_or(&problem::NOT_FOUND)?;
    if seats.taken < i64::from(seats.max_users) {
        Ok(())
    } else {
        Err(SEATS_EXHAUSTED
            .problem()
            .argument("max_users", seats.max_users)
            .member("max_users", seats.max_users))
    }
}

/// Refuses to remove the last user who can manage the tenant. Exact under [`seats::lock_people`].
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

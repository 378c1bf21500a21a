//! Changes of a user's status.

use access::{Caller, Permission, Reach};
use db::TenantTx;
use events::UnitOfWork;
use web::problem::{self, Result};

use super::rules;
use crate::{
    domain::status::{UserStatus, WantedStatus},
    error::ILLEGAL_STATUS,
    events::{UserActivated, UserDisabled},
    permissions::{UserDisable, UserUpdate},
    store::{
        one_time_tokens,
        roles::RoleRow,
        seats,
        sessions::{self, EndReason},
        users::UserRow,
    },
};

/// Refuses a status change that is not allowed, not possible, has no seat, or would leave no admin.
pub(super) async fn check_status_change(
    tx: &mut TenantTx,
    caller: &Caller<UserUpdate>,
    before: &UserRow,
    wanted: WantedStatus,
    role: &RoleRow,
) -> Result<()> {
    if caller.may::<UserDisable>() != Some(Reach::All) {
        return Err(problem::FORBIDDEN
            .problem()
            .argument("permission", UserDisable::NAME.unwrap_or_default()));
    }
    if !wanted.is_reachable(before.status, before.activated) {
        return Err(ILLEGAL_STATUS
            .problem()
            .argument("from", before.status)
            .argument("to", wanted));
    }
    let has_seat = match before.status {
        UserStatus::Invited => seats::has_seat(tx, before.id).await?,
        status => status.occupies_seat(),
    };
    if wanted.status().occupies_seat() && !has_seat {
        rules::check_seats(tx).await?;
    }
    if matches!(wanted, WantedStatus::Locked | WantedStatus::Disabled) {
        rules::check_last_admin(tx, role, before.id).await?;
    }
    Ok(())
}

/// Applies the consequences of a status change that has been written.
pub(super) async fn finish_status_change(
    unit: &mut UnitOfWork,
    after: &UserRow,
    wanted: WantedStatus,
) -> Result<()> {
    let user_id = after.id;
    match after.status {
        UserStatus::Locked | UserStatus::Disabled => {
            sessions::end_sessions(unit, user_id, None, EndReason::Disabled).await?;
            one_time_tokens::void_tokens(unit, user_id).await?;
        }
        UserStatus::Active | UserStatus::Invited | UserStatus::Erased => {}
    }
    match wanted {
        WantedStatus::Disabled => {
            unit.publish(after.version, UserDisabled { user_id })
                .await?;
        }
        WantedStatus::Active => {
            unit.publish(after.version, UserActivated { user_id })
                .await?;
        }
        WantedStatus::Locked | WantedStatus::Invited => {}
    }
    Ok(())
}

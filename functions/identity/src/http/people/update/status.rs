//! Changes of a user's status.

use access::{Caller, Permission, Reach};
use chrono::{DateTime, Utc};
use db::TenantTx;
use serde_json::json;
use web::problem::{self, Result};

use super::rules;
use crate::{
    domain::status::{UserStatus, WantedStatus},
    error::ILLEGAL_STATUS,
    events::{USER_ACTIVATED, USER_DISABLED},
    http::announce,
    permissions::{UserDisable, UserUpdate},
    store::{
        one_time_tokens,
        roles::RoleRow,
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
    now: DateTime<Utc>,
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
    if wanted.status().occupies_seat() && !before.status.occupies_seat() {
        rules::check_seats(tx, now).await?;
    }
    if matches!(wanted, WantedStatus::Locked | WantedStatus::Disabled) {
        rules::check_last_admin(tx, role, before.id).await?;
    }
    Ok(())
}

/// Applies the consequences of a status change that has been written.
pub(super) async fn announce_status_change(
    tx: &mut TenantTx,
    caller: &Caller<UserUpdate>,
    after: &UserRow,
    wanted: WantedStatus,
    now: DateTime<Utc>,
) -> Result<()> {
    let version = (after.id, after.version);
    let data = json!({"user_id": after.id});
    match after.status {
        UserStatus::Locked | UserStatus::Disabled => {
            sessions::end_sessions(tx, after.id, None, EndReason::Disabled, now).await?;
            one_time_tokens::void_tokens(tx, after.id, now).await?;
        }
        UserStatus::Active | UserStatus::Invited | UserStatus::Erased => {}
    }
    match wanted {
        WantedStatus::Disabled => {
            announce(tx, caller.request(), now, &USER_DISABLED, version, data).await?;
        }
        WantedStatus::Active => {
            announce(tx, caller.request(), now, &USER_ACTIVATED, version, data).await?;
        }
        WantedStatus::Locked | WantedStatus::Invited => {}
    }
    Ok(())
}

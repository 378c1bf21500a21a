//! Handlers, one file for a resource or a flow, sorted into families: `sign_in` (password, passkey, second step), `factors`
//! (second factors and reauthentication), `links` (emailed links), `external` (sign-in with identity providers), `account` (the
//! own account), `people` (accounts of others), `roles`, and `sessions` (tokens, cookies, devices). `tenant` finds the tenant of
//! a caller who is not signed in yet.

pub(crate) mod account;
pub(crate) mod current_user;
pub(crate) mod external;
pub(crate) mod factors;
mod fields;
pub(crate) mod links;
pub(crate) mod people;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod tenant;

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use events::{Announcement, EventKind};
use ids::UserId;
use serde_json::Value;
use web::RequestInfo;

/// Publishes an event about a user in the transaction of the change.
pub(crate) async fn announce(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    kind: &'static EventKind,
    (user, version): (UserId, i32),
    data: Value,
) -> Result<()> {
    let announcement = Announcement {
        kind,
        subject: format!("users/{user}"),
        version: version.into(),
        data,
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}

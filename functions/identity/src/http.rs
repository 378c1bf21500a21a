//! Handlers, a file a resource or a story.

pub(crate) mod cookie;
mod entry;
pub(crate) mod expertise;
pub(crate) mod identities;
pub(crate) mod invite;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod oauth;
pub(crate) mod one_time_link;
pub(crate) mod permissions;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod roles;
pub(crate) mod session;
pub(crate) mod status;
pub(crate) mod tenant;
pub(crate) mod users;
pub(crate) mod verify_email;

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use events::{Announcement, EventKind};
use ids::UserId;
use serde_json::Value;
use web::RequestInfo;

/// Announces something about a person beside its change.
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

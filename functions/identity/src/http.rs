//! Handlers, a file a resource or a story.

pub(crate) mod activity;
pub(crate) mod change_email;
pub(crate) mod change_password;
pub(crate) mod confirm_email_change;
pub(crate) mod cookie;
pub(crate) mod devices;
mod entry;
pub(crate) mod expertise;
pub(crate) mod forgot_password;
pub(crate) mod identities;
pub(crate) mod impersonate;
pub(crate) mod invite;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod magic_link;
mod mail_request;
pub(crate) mod me;
pub(crate) mod mfa;
pub(crate) mod oauth;
pub(crate) mod one_time_link;
mod own_password;
pub(crate) mod passkey_assertion;
pub(crate) mod passkey_login;
pub(crate) mod passkeys;
pub(crate) mod permissions;
pub(crate) mod rates;
pub(crate) mod reauthenticate;
pub(crate) mod recovery_codes;
pub(crate) mod redeem_magic_link;
pub(crate) mod refresh;
pub(crate) mod register;
mod relying_party;
pub(crate) mod resend_verification;
pub(crate) mod reset_mfa;
pub(crate) mod reset_password;
pub(crate) mod roles;
mod second_factor;
pub(crate) mod session;
pub(crate) mod status;
pub(crate) mod tenant;
pub(crate) mod totp;
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

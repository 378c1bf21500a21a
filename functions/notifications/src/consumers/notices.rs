//! Mails that tell somebody what happened to their account, so that they notice when it was not them.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use ids::UserId;
use serde::Deserialize;

use super::{Special, data, keep};
use crate::{
    App,
    domain::{letter::Params, recipients::Wanted, template::Template},
    events::{EMAIL_CHANGE_REQUESTED, PASSWORD_CHANGED},
};

/// The data of an event about an account.
#[derive(Deserialize)]
struct Noticed {
    user_id: UserId,
    device: Option<String>,
}

/// Another address is wanted, there is another password, or an unknown device signed in.
pub(super) async fn account_notice(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let noticed: Noticed = data(event)?;
    let template = match event.r#type.as_str() {
        EMAIL_CHANGE_REQUESTED => Template::EmailChangeAsked,
        PASSWORD_CHANGED => Template::PasswordChanged,
        _ => Template::NewDevice,
    };
    let wanted = Wanted {
        recipient: noticed.user_id,
        template,
    };
    let params = Params {
        device: noticed.device,
        at: Some(event.time.format("%Y-%m-%d %H:%M UTC").to_string()),
        ..Params::default()
    };
    let special = Special {
        word: Some("notice"),
        ..Special::default()
    };
    keep(app, tx, event, &[wanted], &params, special).await
}

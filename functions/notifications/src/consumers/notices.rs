//! Emails about changes to a user's account, so that they notice changes by someone else.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use ids::UserId;
use serde::Deserialize;

use super::{MessageOptions, queue_messages};
use crate::{
    App,
    domain::{
        mail_content::{MailParams, TIME_FORMAT},
        recipients::Recipient,
        template::Template,
    },
    events::{EMAIL_CHANGE_REQUESTED, PASSWORD_CHANGED},
};

/// The data of an event about an account.
#[derive(Deserialize)]
struct AccountEvent {
    user_id: UserId,
    device: Option<String>,
}

/// Notifies the user of a requested email change, a new password, or a sign-in from a new device.
pub(super) async fn account_notice(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let account_event: AccountEvent = event.data_as()?;
    let template = match event.r#type.as_str() {
        EMAIL_CHANGE_REQUESTED => Template::EmailChangeRequested,
        PASSWORD_CHANGED => Template::PasswordChanged,
        _ => Template::NewDevice,
    };
    let recipient = Recipient {
        user: account_event.user_id,
        template,
    };
    let params = MailParams {
        device: account_event.device,
        at: Some(event.time.format(TIME_FORMAT).to_string()),
        ..MailParams::default()
    };
    let options = MessageOptions {
        key_suffix: Some("notice"),
        ..MessageOptions::default()
    };
    queue_messages(app, tx, event, &[recipient], &params, options).await
}

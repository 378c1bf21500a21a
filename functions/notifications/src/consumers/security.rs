//! Emails about changes to a user's second factors.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use ids::UserId;
use serde::Deserialize;

use super::{MessageOptions, queue_messages};
use crate::{
    App,
    domain::{mail_content::MailParams, recipients::Recipient, template::Template},
    events::MFA_ENABLED,
};

/// The data of an event about second factors.
#[derive(Deserialize)]
struct MfaChanged {
    user_id: UserId,
}

/// Notifies the user that a second factor was added or removed, regardless of who did it.
pub(super) async fn second_factor(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let changed: MfaChanged = event.data_as()?;
    let template = if event.r#type == MFA_ENABLED {
        Template::MfaEnabled
    } else {
        Template::MfaDisabled
    };
    let recipient = Recipient {
        user: changed.user_id,
        template,
    };
    queue_messages(
        app,
        tx,
        event,
        &[recipient],
        &MailParams::default(),
        MessageOptions::default(),
    )
    .await
}

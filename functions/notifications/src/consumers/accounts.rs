//! Emails about access to a user's account by others.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use ids::UserId;
use serde::Deserialize;

use super::{MessageOptions, queue_messages};
use crate::{
    App,
    domain::{mail_content::MailParams, recipients::Recipient, template::Template},
};

/// The data of `session.impersonated`.
#[derive(Deserialize)]
struct SessionImpersonated {
    user_id: UserId,
}

/// Notifies the user that their account is being impersonated.
pub(super) async fn account_viewed(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let impersonated: SessionImpersonated = event.data_as()?;
    let recipient = Recipient {
        user: impersonated.user_id,
        template: Template::AccountViewed,
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

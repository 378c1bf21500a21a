//! Emails to admins about the quotas of their tenant.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use serde::Deserialize;

use super::{MessageOptions, queue_messages};
use crate::{
    App,
    domain::{mail_content::MailParams, recipients::Recipient, template::Template},
    store::people,
};

/// The data of `quota.warning`.
#[derive(Deserialize)]
struct QuotaWarning {
    metric: String,
    threshold: i16,
}

/// Notifies every admin that a quota is nearly or fully used.
pub(super) async fn quota_warning(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let warning: QuotaWarning = event.data_as()?;
    let admins = people::list_admins(tx).await?;
    let recipients: Vec<Recipient> = admins
        .into_iter()
        .map(|user| Recipient {
            user,
            template: Template::QuotaWarning,
        })
        .collect();
    let params = MailParams {
        metric: Some(warning.metric),
        percent: Some(warning.threshold.to_string()),
        ..MailParams::default()
    };
    queue_messages(
        app,
        tx,
        event,
        &recipients,
        &params,
        MessageOptions::default(),
    )
    .await
}

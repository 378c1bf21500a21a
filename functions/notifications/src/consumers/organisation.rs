//! Emails to the admins of an organisation about its status, API keys and domains.

use ::events::{ConsumeError, Envelope};
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::ApiKeyId;
use serde::Deserialize;

use super::{MessageOptions, queue_messages};
use crate::{
    App,
    domain::{
        mail_content::{MailParams, TIME_FORMAT},
        recipients::Recipient,
        template::Template,
    },
    events::{
        API_KEY_EXPIRING, DOMAIN_FAILING, DOMAIN_RELEASED, TENANT_CLOSING, TENANT_PAST_DUE,
        TENANT_SUSPENDED,
    },
    store::people,
};

/// The data of these events; each has some of the fields.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OrganisationEvent {
    closes_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    released_at: Option<DateTime<Utc>>,
    api_key_id: Option<ApiKeyId>,
    host: Option<String>,
    why: Option<String>,
}

/// Notifies all admins of a change to the organisation, an API key or a domain.
pub(super) async fn organisation(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let data: OrganisationEvent = event.data_as()?;
    let template = match event.r#type.as_str() {
        TENANT_PAST_DUE => Template::TenantPastDue,
        TENANT_SUSPENDED => Template::TenantSuspended,
        TENANT_CLOSING => Template::TenantClosing,
        API_KEY_EXPIRING => Template::ApiKeyExpiring,
        DOMAIN_FAILING => Template::DomainFailing,
        // No email if the organisation removed the domain itself.
        DOMAIN_RELEASED if data.why.as_deref() != Some("proof_missing") => return Ok(()),
        DOMAIN_RELEASED => Template::DomainReleased,
        _ => Template::TenantReactivated,
    };
    let what = match data.api_key_id {
        // The key was revoked in the meantime.
        Some(key) => match people::find_api_key_name(tx, key).await? {
            None => return Ok(()),
            name => name,
        },
        None => data.host,
    };
    let at = data
        .closes_at
        .or(data.expires_at)
        .or(data.released_at)
        .unwrap_or(event.time);
    let params = MailParams {
        at: Some(at.format(TIME_FORMAT).to_string()),
        what,
        ..MailParams::default()
    };
    let recipients: Vec<Recipient> = people::list_admins(tx)
        .await?
        .into_iter()
        .map(|user| Recipient { user, template })
        .collect();
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

//! Mails to the admins of an organisation about what happens to it: its life, its keys, its domains.

use ::events::{ConsumeError, Envelope};
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::ApiKeyId;
use serde::Deserialize;

use super::{Special, data, keep};
use crate::{
    App,
    domain::{letter::Params, recipients::Wanted, template::Template},
    events::{
        API_KEY_EXPIRING, DOMAIN_FAILING, DOMAIN_RELEASED, TENANT_CLOSING, TENANT_PAST_DUE,
        TENANT_SUSPENDED,
    },
    store::people,
};

/// What the events say, each of them some of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Happened {
    closes_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    released_at: Option<DateTime<Utc>>,
    api_key_id: Option<ApiKeyId>,
    host: Option<String>,
    why: Option<String>,
}

/// Something happened to the organisation, one of its keys, one of its domains.
pub(super) async fn organisation(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let happened: Happened = data(event)?;
    let template = match event.r#type.as_str() {
        TENANT_PAST_DUE => Template::TenantPastDue,
        TENANT_SUSPENDED => Template::TenantSuspended,
        TENANT_CLOSING => Template::TenantClosing,
        API_KEY_EXPIRING => Template::ApiKeyExpiring,
        DOMAIN_FAILING => Template::DomainFailing,
        // Whoever gave it up knows.
        DOMAIN_RELEASED if happened.why.as_deref() != Some("proof_missing") => return Ok(()),
        DOMAIN_RELEASED => Template::DomainReleased,
        _ => Template::TenantReactivated,
    };
    let what = match happened.api_key_id {
        // Revoked meanwhile: nothing ends that is not over.
        Some(key) => match people::find_key_name(tx, key).await? {
            None => return Ok(()),
            name => name,
        },
        None => happened.host,
    };
    let at = happened
        .closes_at
        .or(happened.expires_at)
        .or(happened.released_at)
        .unwrap_or(event.time);
    let params = Params {
        at: Some(at.format("%Y-%m-%d %H:%M UTC").to_string()),
        what,
        ..Params::default()
    };
    let wanted: Vec<Wanted> = people::list_admins(tx)
        .await?
        .into_iter()
        .map(|recipient| Wanted {
            recipient,
            template,
        })
        .collect();
    keep(app, tx, event, &wanted, &params, Special::default()).await
}

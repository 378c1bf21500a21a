//! Announces API keys before they expire.

use access::directory;
use chrono::TimeDelta;
use db::Actor;
use events::{Announcement, Run};
use ids::TenantId;
use serde::Serialize;
use serde_json::json;
use web::{RequestInfo, problem::Result};

use crate::{App, events::API_KEY_EXPIRING, store::api_keys};

/// How long before the expiry a key is announced.
const EXPIRY_NOTICE_PERIOD: TimeDelta = TimeDelta::days(14);

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Announced {
    pub(crate) api_keys: u64,
}

/// Announces every key that expires within 14 days, once per expiry.
pub(crate) async fn announce_expiring_keys(app: &App, run: &Run) -> Result<Announced> {
    let mut announced = Announced::default();
    let mut tenant_loop = run.tenant_loop(directory::list_working_tenants(&app.db).await?);
    while let Some(tenant) = tenant_loop.next_tenant() {
        let result = announce_for_tenant(app, &run.request, tenant).await;
        announced.api_keys += tenant_loop.record(tenant, result).unwrap_or_default();
    }
    tenant_loop.finish()?;
    Ok(announced)
}

async fn announce_for_tenant(app: &App, request: &RequestInfo, tenant: TenantId) -> Result<u64> {
    let now = app.state.clock().now();
    let mut announced = 0;
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    for key in api_keys::mark_expiring_api_keys(&mut tx, now, now + EXPIRY_NOTICE_PERIOD).await? {
        let announcement = Announcement {
            kind: &API_KEY_EXPIRING,
            subject: format!("api_key/{}", key.id),
            version: key.version.into(),
            data: json!({"api_key_id": key.id, "expires_at": key.expires_at}),
            sealed: None,
        };
        events::announce(&mut tx, request, now, announcement).await?;
        announced += 1;
    }
    tx.commit().await?;
    Ok(announced)
}

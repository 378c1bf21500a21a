//! Tells of API keys before they end.

use access::directory;
use chrono::TimeDelta;
use db::Actor;
use events::{Announcement, Run};
use ids::TenantId;
use serde::Serialize;
use serde_json::json;
use web::{RequestInfo, problem::Result};

use crate::{App, events::API_KEY_EXPIRING, store::api_keys};

/// How long before.
const BEFORE: TimeDelta = TimeDelta::days(14);

/// How much was told.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Announced {
    pub(crate) api_keys: u64,
}

/// Announces every key that ends within 14 days, once for each end that it is given.
pub(crate) async fn announce_expiring_keys(app: &App, run: &Run) -> Result<Announced> {
    let mut announced = Announced::default();
    let mut visits = run.visits(directory::working_tenants(&app.db).await?);
    while let Some(tenant) = visits.next_tenant() {
        let told = announce_of(app, &run.request, tenant).await;
        announced.api_keys += visits.saw(tenant, told).unwrap_or_default();
    }
    visits.end()?;
    Ok(announced)
}

async fn announce_of(app: &App, request: &RequestInfo, tenant: TenantId) -> Result<u64> {
    let now = app.gate.clock().now();
    let mut told = 0;
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    for key in api_keys::note_expiring(&mut tx, now, now + BEFORE).await? {
        let announcement = Announcement {
            kind: &API_KEY_EXPIRING,
            subject: format!("api_key/{}", key.id),
            version: key.version.into(),
            data: json!({"api_key_id": key.id, "expires_at": key.expires_at}),
            sealed: None,
        };
        events::announce(&mut tx, request, now, announcement).await?;
        told += 1;
    }
    tx.commit().await?;
    Ok(told)
}

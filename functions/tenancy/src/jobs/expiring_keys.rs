//! Announces API keys before they expire.

use access::directory;
use chrono::TimeDelta;
use events::{Run, UnitOfWork};
use ids::TenantId;
use serde::Serialize;
use web::{RequestInfo, problem::Result};

use crate::{App, events::ApiKeyExpiring, store::api_keys};

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
    let mut announced = 0;
    let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
    let until = unit.now() + EXPIRY_NOTICE_PERIOD;
    for key in api_keys::mark_expiring_api_keys(&mut unit, until).await? {
        let event = ApiKeyExpiring {
            api_key_id: key.id,
            expires_at: key.expires_at,
        };
        unit.publish(key.version, event).await?;
        announced += 1;
    }
    unit.commit().await?;
    Ok(announced)
}

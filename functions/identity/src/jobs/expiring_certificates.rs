//! Announces certificates before they expire.

use access::directory;
use chrono::TimeDelta;
use db::Actor;
use events::Run;
use ids::TenantId;
use serde::Serialize;
use serde_json::json;
use web::{RequestInfo, problem::Result};

use crate::{App, events::CERTIFICATE_EXPIRING, http::announce, store::jobs};

/// Days before expiry at which a certificate is announced.
const NOTICE_DAYS: i64 = 30;

/// The number of announced certificates.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Announced {
    pub(crate) certificates: u64,
}

/// Publishes one event for every certificate that expires within 30 days.
pub(crate) async fn announce_expiring_certificates(app: &App, run: &Run) -> Result<Announced> {
    let mut announced = Announced::default();
    let mut tenant_loop = run.tenant_loop(directory::list_working_tenants(&app.db).await?);
    while let Some(tenant) = tenant_loop.next_tenant() {
        let announced_count = announce_for_tenant(app, &run.request, tenant).await;
        announced.certificates += tenant_loop
            .record(tenant, announced_count)
            .unwrap_or_default();
    }
    tenant_loop.finish()?;
    Ok(announced)
}

async fn announce_for_tenant(app: &App, request: &RequestInfo, tenant: TenantId) -> Result<u64> {
    let now = app.state.clock().now();
    let today = now.date_naive();
    let days = (today, today + TimeDelta::days(NOTICE_DAYS));
    let mut announced_count = 0;
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    for certificate in jobs::record_expiring_certificates(&mut tx, days, now).await? {
        let data = json!({
            "user_id": certificate.user,
            "skill": certificate.skill,
            "valid_until": certificate.valid_until,
        });
        let subject = (certificate.user, certificate.version);
        announce(&mut tx, request, now, &CERTIFICATE_EXPIRING, subject, data).await?;
        announced_count += 1;
    }
    tx.commit().await?;
    Ok(announced_count)
}

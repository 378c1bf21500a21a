//! Announces certificates before they expire.

use access::directory;
use chrono::TimeDelta;
use events::{Run, UnitOfWork};
use ids::TenantId;
use serde::Serialize;
use web::{RequestInfo, problem::Result};

use crate::{App, events::CertificateExpiring, store::jobs};

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
    let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
    let until = unit.now().date_naive() + TimeDelta::days(NOTICE_DAYS);
    let expiring = jobs::record_expiring_certificates(&mut unit, until).await?;
    let mut announced_count = 0;
    for certificate in expiring {
        let event = CertificateExpiring {
            user_id: certificate.user,
            skill: certificate.skill,
            valid_until: certificate.valid_until,
        };
        unit.publish(certificate.version, event).await?;
        announced_count += 1;
    }
    unit.commit().await?;
    Ok(announced_count)
}

//! Verifies the chain of every tenant.

use db::Actor;
use events::Run;
use ids::TenantId;
use serde::Serialize;
use web::problem::Result;

use crate::{App, audit_verification::verify, store::audit_chain};

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Verified {
    pub(crate) tenants: u64,
    pub(crate) rows: usize,
    pub(crate) findings: usize,
}

/// Verifies the audit log of every tenant. Each finding is logged as an error and counted.
pub(crate) async fn verify_audit_log(app: &App, run: &Run) -> Result<Verified> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = audit_chain::list_chained_tenants(&mut tx).await?;
    tx.commit().await?;
    let mut verified = Verified::default();
    let mut tenant_loop = run.tenant_loop(tenants);
    while let Some(tenant) = tenant_loop.next_tenant() {
        let result = verify_tenant(app, tenant, &mut verified).await;
        verified.tenants += u64::from(tenant_loop.record(tenant, result).is_some());
    }
    tenant_loop.finish()?;
    Ok(verified)
}

async fn verify_tenant(app: &App, tenant: TenantId, verified: &mut Verified) -> Result<()> {
    let mut after = 0;
    loop {
        let now = app.state.clock().now();
        let mut tx = app.db.begin_read_only(tenant, Actor::SYSTEM, now).await?;
        let page = verify(app, &mut tx, after).await?;
        tx.commit().await?;
        for finding in &page.findings {
            let (kind, sequence, until) = (finding.kind, finding.sequence, finding.until);
            let entry = finding.entry_id.map(|id| id.to_string());
            tracing::error!(%tenant, %kind, sequence, until, entry, "audit log was tampered with");
            metrics::counter!("audit_chain_findings_total", "kind" => kind.as_str()).increment(1);
        }
        verified.rows += page.checked;
        verified.findings += page.findings.len();
        if !page.has_more {
            return Ok(());
        }
        after = page.until;
    }
}

//! Follows every chain from end to end.

use db::Actor;
use events::Run;
use ids::TenantId;
use serde::Serialize;
use web::problem::Result;

use crate::{App, store::audit_chain, verification::verify};

/// How much was looked at.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Verified {
    pub(crate) tenants: u64,
    pub(crate) rows: usize,
    pub(crate) findings: usize,
}

/// Checks the log of every tenant. Whatever is wrong goes to the log of the process as an error, and is counted.
pub(crate) async fn verify_audit_log(app: &App, run: &Run) -> Result<Verified> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = audit_chain::list_chained_tenants(&mut tx).await?;
    tx.commit().await?;
    let mut verified = Verified::default();
    let mut visits = run.visits(tenants);
    while let Some(tenant) = visits.next_tenant() {
        let seen = verify_tenant(app, tenant, &mut verified).await;
        verified.tenants += u64::from(visits.saw(tenant, seen).is_some());
    }
    visits.end()?;
    Ok(verified)
}

async fn verify_tenant(app: &App, tenant: TenantId, verified: &mut Verified) -> Result<()> {
    let mut after = 0;
    loop {
        let mut tx = app.db.begin_reading(tenant, Actor::SYSTEM).await?;
        let part = verify(app, &mut tx, after).await?;
        tx.commit().await?;
        for finding in &part.findings {
            let (kind, sequence, until) = (finding.kind, finding.sequence, finding.until);
            let entry = finding.entry_id.map(|id| id.to_string());
            tracing::error!(%tenant, %kind, sequence, until, entry, "audit log is not what was sealed");
            metrics::counter!("audit_chain_findings_total", "kind" => kind.as_str()).increment(1);
        }
        verified.rows += part.checked;
        verified.findings += part.findings.len();
        if !part.more {
            return Ok(());
        }
        after = part.until;
    }
}

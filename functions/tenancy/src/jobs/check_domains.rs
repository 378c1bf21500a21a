//! Checks that the proofs of verified domains are still in place. A host can change owners without notice, and the new
//! owner must not inherit what the previous one was allowed.

use access::{audit, directory};
use chrono::TimeDelta;
use db::Actor;
use events::{Run, UnitOfWork};
use futures::{StreamExt, stream};
use ids::TenantId;
use serde::Serialize;
use serde_json::{Value, json};
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    domain::domain_proof::{ProofCheck, ReleaseReason},
    events::DomainFailing,
    http::domains::{new_proof, publish_release},
    store::domains::{self, DomainRow},
};

/// How long a proof can be missing before the domain is released.
const PROOF_GRACE_PERIOD: TimeDelta = TimeDelta::days(7);
/// How many hosts are checked at the same time.
const MAX_CONCURRENT_CHECKS: usize = 8;

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Checked {
    /// The proof is in place.
    pub(crate) proved: u64,
    /// The proof is missing. The tenant was notified, now or before.
    pub(crate) failing: u64,
    /// The proof was missing for too long.
    pub(crate) released: u64,
    /// The DNS did not answer, so nothing was changed.
    pub(crate) unknown: u64,
}

/// Checks every verified domain of every active tenant.
pub(crate) async fn check_domains(app: &App, run: &Run) -> Result<Checked> {
    let mut checked = Checked::default();
    let mut tenant_loop = run.tenant_loop(directory::list_working_tenants(&app.db).await?);
    while let Some(tenant) = tenant_loop.next_tenant() {
        let result = check_tenant(app, &run.request, tenant, &mut checked).await;
        tenant_loop.record(tenant, result);
    }
    tenant_loop.finish()?;
    Ok(checked)
}

async fn check_tenant(
    app: &App,
    request: &RequestInfo,
    tenant: TenantId,
    checked: &mut Checked,
) -> Result<()> {
    let now = app.state.clock().now();
    let mut tx = app.db.begin_read_only(tenant, Actor::SYSTEM, now).await?;
    let verified = domains::list_domains(&mut tx).await?;
    tx.commit().await?;
    let mut checks = stream::iter(verified)
        .filter(|row| std::future::ready(row.verified_at.is_some()))
        .map(|row| async move {
            let check = app.domain_verifier.check(&row.host, &row.proof).await;
            (row, check)
        })
        .buffer_unordered(MAX_CONCURRENT_CHECKS);
    while let Some((row, check)) = checks.next().await {
        evaluate(app, request, tenant, &row, check, checked).await?;
    }
    Ok(())
}

async fn evaluate(
    app: &App,
    request: &RequestInfo,
    tenant: TenantId,
    seen: &DomainRow,
    check: ProofCheck,
    checked: &mut Checked,
) -> Result<()> {
    if check.method().is_none() && !check.is_conclusive() {
        checked.unknown += 1;
        return Ok(());
    }
    let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
    let now = unit.now();
    let is_unchanged = |row: &DomainRow| row.proof == seen.proof && row.verified_at.is_some();
    let Some(mut row) = domains::lock_domain(&mut unit, seen.id)
        .await?
        .filter(is_unchanged)
    else {
        return Ok(());
    };
    row.checked_at = Some(now);
    let mut released = false;
    match (check.method(), row.failing_since) {
        (Some(_), _) => {
            row.failing_since = None;
            checked.proved += 1;
        }
        (None, Some(since)) if since + PROOF_GRACE_PERIOD <= now => {
            release(&mut unit, &mut row).await?;
            released = true;
            checked.released += 1;
        }
        (None, Some(_)) => checked.failing += 1,
        (None, None) => {
            row.failing_since = Some(now);
            row.version += 1;
            row.updated_at = now;
            let event = DomainFailing {
                domain_id: row.id,
                host: row.host.clone(),
                released_at: now + PROOF_GRACE_PERIOD,
            };
            unit.publish(row.version, event).await?;
            checked.failing += 1;
        }
    }
    domains::update_domain(&mut unit, &row).await?;
    unit.commit().await?;
    if released {
        app.state.authenticator().invalidate_tenant(tenant).await;
    }
    Ok(())
}

/// Turns the domain back into an unverified claim with a new proof.
async fn release(unit: &mut UnitOfWork, row: &mut DomainRow) -> Result<()> {
    domains::delete_origin(unit, &row.host).await?;
    publish_release(unit, row, ReleaseReason::ProofMissing).await?;
    let entry = audit::Entry::new("tenancy.domain.released", "domain", row.id)
        .change("host", row.host.as_str(), Value::Null)
        .change("failing_since", json!(row.failing_since), Value::Null);
    unit.audit(entry).await?;
    row.proof = new_proof();
    row.method = None;
    row.verified_at = None;
    row.failing_since = None;
    row.version += 1;
    row.updated_at = unit.now();
    Ok(())
}

//! Looks whether the proofs of verified hosts are still there. A host changes hands without anybody telling us: whoever has it
//! now must not get what the one before was allowed.

use access::{audit, directory};
use chrono::{DateTime, TimeDelta, Utc};
use db::{Actor, TenantTx};
use events::{Announcement, Run};
use futures::{StreamExt, stream};
use ids::TenantId;
use serde::Serialize;
use serde_json::{Value, json};
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    events::DOMAIN_FAILING,
    http::{domains::new_proof, verify_domain::announce_release},
    proofs::Findings,
    store::domains::{self, DomainRow},
};

/// How long a proof may be away before the host is let go of.
const PATIENCE: TimeDelta = TimeDelta::days(7);
/// Hosts that are looked at together.
const AT_ONCE: usize = 8;

/// What became of them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Checked {
    /// The proof is there.
    pub(crate) proved: u64,
    /// It is not; its tenant was told, now or before.
    pub(crate) failing: u64,
    /// It was away for too long.
    pub(crate) released: u64,
    /// Nobody answered: nothing is concluded from that.
    pub(crate) unknown: u64,
}

/// Looks at every verified host of every working tenant.
pub(crate) async fn check_domains(app: &App, run: &Run) -> Result<Checked> {
    let mut checked = Checked::default();
    let mut visits = run.visits(directory::working_tenants(&app.db).await?);
    while let Some(tenant) = visits.next_tenant() {
        let looked = check_tenant(app, &run.request, tenant, &mut checked).await;
        visits.saw(tenant, looked);
    }
    visits.end()?;
    Ok(checked)
}

async fn check_tenant(
    app: &App,
    request: &RequestInfo,
    tenant: TenantId,
    checked: &mut Checked,
) -> Result<()> {
    let mut tx = app.db.begin_reading(tenant, Actor::SYSTEM).await?;
    let verified = domains::list(&mut tx).await?;
    tx.commit().await?;
    let mut looked = stream::iter(verified)
        .filter(|row| std::future::ready(row.verified_at.is_some()))
        .map(|row| async move {
            let findings = app.proofs.look(&row.host, &row.proof).await;
            (row, findings)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((row, findings)) = looked.next().await {
        conclude(app, request, tenant, (&row, findings), checked).await?;
    }
    Ok(())
}

async fn conclude(
    app: &App,
    request: &RequestInfo,
    tenant: TenantId,
    (seen, findings): (&DomainRow, Findings),
    checked: &mut Checked,
) -> Result<()> {
    let now = app.gate.clock().now();
    if findings.method().is_none() && !findings.is_certain() {
        checked.unknown += 1;
        return Ok(());
    }
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    let still = |row: &DomainRow| row.proof == seen.proof && row.verified_at.is_some();
    let Some(mut row) = domains::lock(&mut tx, seen.id).await?.filter(still) else {
        return Ok(());
    };
    row.checked_at = Some(now);
    let mut released = false;
    match (findings.method(), row.failing_since) {
        (Some(_), _) => {
            row.failing_since = None;
            checked.proved += 1;
        }
        (None, Some(since)) if since + PATIENCE <= now => {
            release(&mut tx, request, &mut row, now).await?;
            released = true;
            checked.released += 1;
        }
        (None, Some(_)) => checked.failing += 1,
        (None, None) => {
            row.failing_since = Some(now);
            row.version += 1;
            row.updated_at = now;
            announce_failing(&mut tx, request, &row, now + PATIENCE, now).await?;
            checked.failing += 1;
        }
    }
    domains::update(&mut tx, &row).await?;
    tx.commit().await?;
    if released {
        app.gate.forget_tenant(tenant).await;
    }
    Ok(())
}

/// It becomes a claim like any other, to be proved anew.
async fn release(
    tx: &mut TenantTx,
    request: &RequestInfo,
    row: &mut DomainRow,
    now: DateTime<Utc>,
) -> Result<()> {
    domains::delete_origin(tx, &row.host).await?;
    announce_release(tx, request, row, "proof_missing", now).await?;
    let entry = audit::Entry::new("tenancy.domain.released", "domain", row.id)
        .change("host", row.host.as_str(), Value::Null)
        .change("failing_since", json!(row.failing_since), Value::Null);
    audit::record(tx, request, now, None, entry).await?;
    row.proof = new_proof();
    row.method = None;
    row.verified_at = None;
    row.failing_since = None;
    row.version += 1;
    row.updated_at = now;
    Ok(())
}

async fn announce_failing(
    tx: &mut TenantTx,
    request: &RequestInfo,
    row: &DomainRow,
    released_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let announcement = Announcement {
        kind: &DOMAIN_FAILING,
        subject: format!("domain/{}", row.id),
        version: row.version.into(),
        data: json!({"domain_id": row.id, "host": row.host, "released_at": released_at}),
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}

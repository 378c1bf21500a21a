//! Seals new entries of the audit log.
//!
//! Rows are sealed in the order of their times, as far as they are committed. A row that commits later gets a later
//! position, whatever its time. The head of each chain is also written to the process log, which is a copy that cannot
//! be changed through the database.

use events::UnitOfWork;
use ids::TenantId;
use serde::Serialize;
use web::{Problem, RequestInfo, problem::Result};

use crate::{
    App,
    audit_verification::MAX_COMMIT_DELAY,
    domain::audit_chain::{Chain, hex},
    store::audit_chain::{self, Seal},
};

/// How many rows are sealed in one transaction.
const BATCH_SIZE: i64 = 1_000;

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sealed {
    pub(crate) tenants: u64,
    pub(crate) rows: u64,
    /// Tenants that failed and are retried by the next run.
    pub(crate) failed: u64,
}

/// Seals the rows of every tenant that has new ones.
pub(crate) async fn seal_audit_log(app: &App, request: &RequestInfo) -> Result<Sealed> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = audit_chain::list_unsealed_tenants(&mut tx).await?;
    tx.commit().await?;
    let mut sealed = Sealed::default();
    for tenant in tenants {
        // The failure of one tenant must not affect others.
        match seal_tenant(app, request, tenant).await {
            Ok(0) => {}
            Ok(rows) => {
                sealed.tenants += 1;
                sealed.rows += rows;
            }
            Err(problem) => {
                let code = problem.kind().code;
                tracing::warn!(%tenant, code, "cannot seal the audit log");
                sealed.failed += 1;
            }
        }
    }
    metrics::counter!("audit_rows_sealed_total").increment(sealed.rows);
    Ok(sealed)
}

async fn seal_tenant(app: &App, request: &RequestInfo, tenant: TenantId) -> Result<u64> {
    let mut sealed = 0;
    loop {
        let batch = seal_batch(app, request, tenant).await?;
        sealed += batch;
        if batch < BATCH_SIZE.unsigned_abs() {
            return Ok(sealed);
        }
    }
}

async fn seal_batch(app: &App, request: &RequestInfo, tenant: TenantId) -> Result<u64> {
    let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
    let mut head = audit_chain::lock_head(&mut unit).await?;
    let since = head
        .caught_up_at
        .map(|caught_up_at| caught_up_at - MAX_COMMIT_DELAY);
    let rows = audit_chain::list_unsealed(&mut unit, since, BATCH_SIZE).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let chain = Chain::new(tenant, app.state.keyring());
    let key = chain.current_key();
    let mut seals = Vec::with_capacity(rows.len());
    for row in &rows {
        head.sequence += 1;
        let hash = chain
            .link(key, &head.chain_hash, head.sequence, row)
            .ok_or_else(|| Problem::internal("no master key"))?;
        head.chain_hash = hash.to_vec();
        seals.push(Seal {
            id: row.id,
            sequence: head.sequence,
            chain_hash: hash,
        });
    }
    let done = u64::try_from(seals.len()).unwrap_or_default();
    if done < BATCH_SIZE.unsigned_abs() {
        head.caught_up_at = Some(unit.now());
    }
    audit_chain::seal_rows(&mut unit, key, &seals).await?;
    audit_chain::update_head(&mut unit, &head).await?;
    unit.commit().await?;
    let hash = hex(&head.chain_hash);
    tracing::info!(%tenant, sequence = head.sequence, hash, "audit log sealed");
    Ok(done)
}

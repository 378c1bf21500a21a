//! Seals what was added to the audit log.
//!
//! Rows are sealed in the order of their times, as far as they are there: one that commits later gets a later place, whatever
//! its time says. The head of each chain goes to the log of the process too: a copy that whoever can write to the database
//! can't take back.

use chrono::{DateTime, Utc};
use db::Actor;
use ids::TenantId;
use serde::Serialize;
use web::{Problem, problem::Result};

use crate::{
    App,
    domain::audit_chain::Chain,
    store::audit_chain::{self, Seal},
    verification::LATEST,
};

/// Rows of one transaction.
const PORTION: i64 = 1_000;

/// How much was sealed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sealed {
    pub(crate) tenants: u64,
    pub(crate) rows: u64,
    /// Tenants that have to wait for the next run.
    pub(crate) failed: u64,
}

/// Seals the rows of every tenant that has some.
pub(crate) async fn seal_audit_log(app: &App) -> Result<Sealed> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = audit_chain::list_unsealed_tenants(&mut tx).await?;
    tx.commit().await?;
    let mut sealed = Sealed::default();
    for tenant in tenants {
        // The trouble of one is not that of all.
        match seal_tenant(app, tenant).await {
            Ok(0) => {}
            Ok(rows) => {
                sealed.tenants += 1;
                sealed.rows += rows;
            }
            Err(problem) => {
                let code = problem.kind().code;
                tracing::warn!(%tenant, code, "audit log not sealed");
                sealed.failed += 1;
            }
        }
    }
    metrics::counter!("audit_rows_sealed_total").increment(sealed.rows);
    Ok(sealed)
}

async fn seal_tenant(app: &App, tenant: TenantId) -> Result<u64> {
    let mut sealed = 0;
    loop {
        let portion = seal_portion(app, tenant, app.gate.clock().now()).await?;
        sealed += portion;
        if portion < PORTION.unsigned_abs() {
            return Ok(sealed);
        }
    }
}

async fn seal_portion(app: &App, tenant: TenantId, now: DateTime<Utc>) -> Result<u64> {
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    let mut head = audit_chain::lock_head(&mut tx, now).await?;
    let since = head.caught_up_at.map(|caught_up_at| caught_up_at - LATEST);
    let rows = audit_chain::list_unsealed(&mut tx, since, PORTION).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let chain = Chain::new(tenant, app.gate.keyring());
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
    if done < PORTION.unsigned_abs() {
        head.caught_up_at = Some(now);
    }
    audit_chain::seal(&mut tx, key, &seals).await?;
    audit_chain::move_head(&mut tx, &head).await?;
    tx.commit().await?;
    let hash = hex(&head.chain_hash);
    tracing::info!(%tenant, sequence = head.sequence, hash, "audit log sealed");
    Ok(done)
}

/// As people compare hashes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

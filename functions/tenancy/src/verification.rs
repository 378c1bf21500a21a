//! Checking the audit log of a tenant, a part at a time: for whoever asks, and for the job that asks every night.

use chrono::TimeDelta;
use db::TenantTx;
use web::problem::Result;

use crate::{
    App,
    domain::audit_chain::{Chain, Finding, FindingKind, check},
    store::audit_chain::{self, Head},
};

/// Places that are looked at in one go: some 10 ms of work.
const PART: i64 = 2_000;
/// Rows that were never sealed and are named at most.
const MOST_OVERLOOKED: i64 = 50;
/// How long an act may take from its time to its commit. What is not sealed although it is older than that was not written by
/// us: nobody seals it, and it is named.
pub(crate) const LATEST: TimeDelta = TimeDelta::minutes(15);

/// What was found in a part of the log.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) findings: Vec<Finding>,
    pub(crate) checked: usize,
    /// Up to which place the log was looked at.
    pub(crate) until: i64,
    /// Whether there is more behind it.
    pub(crate) more: bool,
    pub(crate) head: Option<Head>,
}

/// Checks what stands behind the place `after`; at the end of the log also its head, and what was never sealed.
pub(crate) async fn verify(app: &App, tx: &mut TenantTx, after: i64) -> Result<Part> {
    let after = after.max(0);
    // Rows may be sealed while we look: the head before says what must be there, the head after what may be.
    let before = audit_chain::find_head(tx).await?;
    let hashes = if after == 0 {
        vec![Vec::new()]
    } else {
        audit_chain::list_hashes(tx, after).await?
    };
    let rows = audit_chain::list_sealed(tx, after, PART).await?;
    let until = rows.last().and_then(|row| row.sequence).unwrap_or(after);
    let last_hash = rows.last().and_then(|row| row.chain_hash.clone());
    let more = !audit_chain::list_sealed(tx, until, 1).await?.is_empty();
    let chain = Chain::new(tx.tenant(), app.gate.keyring());
    let mut findings = check(chain, (after, hashes), &rows);
    let head = audit_chain::find_head(tx).await?;
    if !more {
        let last = (until, last_hash);
        findings.extend(at_the_end((before.as_ref(), head.as_ref()), last));
        if let Some(caught_up_at) = head.as_ref().and_then(|head| head.caught_up_at) {
            let before = caught_up_at - LATEST;
            let overlooked = audit_chain::list_overlooked(tx, before, MOST_OVERLOOKED).await?;
            let inserted = |id| Finding::at(FindingKind::Inserted, None, Some(id));
            findings.extend(overlooked.into_iter().map(inserted));
        }
    }
    Ok(Part {
        findings,
        checked: rows.len(),
        until,
        more,
        head,
    })
}

/// Whether the log ends where the head says.
fn at_the_end(
    (before, after): (Option<&Head>, Option<&Head>),
    (last, last_hash): (i64, Option<Vec<u8>>),
) -> Option<Finding> {
    let Some(after) = after else {
        return (last > 0).then(|| Finding::at(FindingKind::WrongHead, Some(last), None));
    };
    if let Some(before) = before.filter(|before| before.sequence > last) {
        let gone = (last + 1, before.sequence);
        return Some(Finding::range(FindingKind::CutOff, gone, None));
    }
    if last > after.sequence {
        let added = (after.sequence + 1, last);
        return Some(Finding::range(FindingKind::Inserted, added, None));
    }
    let differs = last == after.sequence && last_hash.is_some_and(|hash| hash != after.chain_hash);
    differs.then(|| Finding::at(FindingKind::WrongHead, Some(last), None))
}

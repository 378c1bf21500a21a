//! Verifies a tenant's audit log one page at a time, for requests and for the nightly job.

use chrono::TimeDelta;
use db::TenantTx;
use web::problem::Result;

use crate::{
    App,
    domain::audit_chain::{Chain, Finding, FindingKind, check},
    store::audit_chain::{self, Head},
};

/// How many positions are checked at once. A page takes about 10 ms.
const PAGE_ROWS: i64 = 2_000;
/// How many rows that were never sealed are reported at most.
const MAX_UNSEALED_FINDINGS: i64 = 50;
/// How long a transaction can take from the time of an action to its commit. An unsealed row that is older was not
/// written by the platform. It is never sealed, and is reported.
pub(crate) const MAX_COMMIT_DELAY: TimeDelta = TimeDelta::minutes(15);

/// The result of verifying a page.
#[derive(Debug)]
pub(crate) struct VerifiedPage {
    pub(crate) findings: Vec<Finding>,
    pub(crate) checked: usize,
    /// The position of the last row that was checked.
    pub(crate) until: i64,
    /// Whether there are rows after it.
    pub(crate) has_more: bool,
    pub(crate) head: Option<Head>,
}

/// Verifies the rows after the position `after`. At the end of the log, also checks the head and looks for rows that
/// were never sealed.
pub(crate) async fn verify(app: &App, tx: &mut TenantTx, after: i64) -> Result<VerifiedPage> {
    let after = after.max(0);
    // Rows may be sealed meanwhile: the head before is what must be there, the head after is what may be there.
    let before = audit_chain::find_head(tx).await?;
    let hashes = if after == 0 {
        vec![Vec::new()]
    } else {
        audit_chain::list_hashes(tx, after).await?
    };
    let rows = audit_chain::list_sealed(tx, after, PAGE_ROWS).await?;
    let until = rows.last().and_then(|row| row.sequence).unwrap_or(after);
    let last_hash = rows.last().and_then(|row| row.chain_hash.clone());
    let more = !audit_chain::list_sealed(tx, until, 1).await?.is_empty();
    let chain = Chain::new(tx.tenant(), app.state.keyring());
    let mut findings = check(chain, after, hashes, &rows);
    let head = audit_chain::find_head(tx).await?;
    if !more {
        findings.extend(check_head(before.as_ref(), head.as_ref(), until, last_hash));
        if let Some(caught_up_at) = head.as_ref().and_then(|head| head.caught_up_at) {
            let before = caught_up_at - MAX_COMMIT_DELAY;
            let never_sealed =
                audit_chain::list_never_sealed(tx, before, MAX_UNSEALED_FINDINGS).await?;
            let inserted = |id| Finding::at(FindingKind::Inserted, None, Some(id));
            findings.extend(never_sealed.into_iter().map(inserted));
        }
    }
    Ok(VerifiedPage {
        findings,
        checked: rows.len(),
        until,
        has_more: more,
        head,
    })
}

/// Checks that the log ends where the head says, read before and after the rows.
fn check_head(
    before: Option<&Head>,
    after: Option<&Head>,
    last: i64,
    last_hash: Option<Vec<u8>>,
) -> Option<Finding> {
    let Some(after) = after else {
        return (last > 0).then(|| Finding::at(FindingKind::WrongHead, Some(last), None));
    };
    if let Some(before) = before.filter(|before| before.sequence > last) {
        let missing = last + 1..=before.sequence;
        return Some(Finding::range(FindingKind::CutOff, missing, None));
    }
    if last > after.sequence {
        let added = after.sequence + 1..=last;
        return Some(Finding::range(FindingKind::Inserted, added, None));
    }
    let differs = last == after.sequence && last_hash.is_some_and(|hash| hash != after.chain_hash);
    differs.then(|| Finding::at(FindingKind::WrongHead, Some(last), None))
}

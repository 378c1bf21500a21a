//! Verifies that the audit log is unchanged.

use access::Caller;
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use ids::AuditEntryId;
use serde::Serialize;
use utoipa::ToSchema;
use web::body::BoundedI64;
use web::{ValidQuery, problem::Result};

use crate::{
    App,
    audit_verification::verify,
    domain::audit_chain::{self, FindingKind, hex},
    permissions::AuditRead,
};

/// Something that is wrong with the log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "changed", "sequence": 1042, "until": null, "entry_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "moved_from": null}))]
pub(crate) struct Finding {
    /// What is wrong.
    pub(crate) kind: FindingKind,
    /// The position in the chain. An entry that was never sealed has none.
    pub(crate) sequence: Option<i64>,
    /// The last position, if several in a row are affected.
    pub(crate) until: Option<i64>,
    /// The ID of the entry. For missing entries, the ID of the entry before them.
    pub(crate) entry_id: Option<AuditEntryId>,
    /// The original position of a moved entry.
    pub(crate) moved_from: Option<i64>,
}

impl From<audit_chain::Finding> for Finding {
    fn from(finding: audit_chain::Finding) -> Self {
        Self {
            kind: finding.kind,
            sequence: finding.sequence,
            until: finding.until,
            entry_id: finding.entry_id,
            moved_from: finding.moved_from,
        }
    }
}

/// The result of verifying the audit log, or a part of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "valid": false, "checked": 1041, "until": 1042, "next_after": null,
    "head": {"sequence": 1042, "hash": "9f2c5a71d0e84b36a1c7f3e25b6d8890413a7cde5f60b9128374fa0ce6d1b5a2", "caught_up_at": "2026-11-20T10:00:00Z"},
    "findings": [{"kind": "missing", "sequence": 17, "until": 17, "entry_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "moved_from": null}]
}))]
pub(crate) struct AuditVerification {
    /// Whether the checked part has no findings.
    pub(crate) valid: bool,
    /// How many entries were checked.
    pub(crate) checked: usize,
    /// The position of the last checked entry.
    pub(crate) until: i64,
    /// The value of `after` for the next page. `null` at the end of the log.
    pub(crate) next_after: Option<i64>,
    /// The end of the chain. `null` if nothing has been sealed yet. Compare it with a copy that you keep elsewhere:
    /// anyone with full control over the database could restore an earlier state of both log and head.
    pub(crate) head: Option<AuditHead>,
    /// Everything that is wrong.
    pub(crate) findings: Vec<Finding>,
}

/// The end of the chain of a tenant's audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditHead {
    /// The position of the newest sealed entry.
    pub(crate) sequence: i64,
    /// The hash of the newest sealed entry, in hexadecimal digits.
    pub(crate) hash: String,
    /// When all entries were last sealed.
    pub(crate) caught_up_at: Option<DateTime<Utc>>,
}

web::query! {
    /// Where to start.
    pub(crate) struct AuditVerificationQuery {
        /// Start after this position of the chain. Defaults to the beginning.
        after: Option<BoundedI64<0, 9_000_000_000_000_000>>,
    }
}

/// Verify the audit log
///
/// Checks up to 2,000 entries. Use `next_after` to continue. Entries are sealed within a minute with a keyed hash over
/// the entry and the one before it. Entries that were changed, removed, inserted or moved since then are reported.
#[utoipa::path(get, path = "/audit-log/verification", responses((status = 200, description = "The result of the verification.", body = AuditVerification)))]
pub(crate) async fn verify_audit_log(
    State(app): State<App>,
    caller: Caller<AuditRead>,
    ValidQuery(query): ValidQuery<AuditVerificationQuery>,
) -> Result<Json<AuditVerification>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let page = verify(&app, &mut unit, query.after.map_or(0, BoundedI64::get)).await?;
    unit.commit().await?;
    Ok(Json(AuditVerification {
        valid: page.findings.is_empty(),
        checked: page.checked,
        until: page.until,
        next_after: page.has_more.then_some(page.until),
        head: page.head.map(|head| AuditHead {
            sequence: head.sequence,
            hash: hex(&head.chain_hash),
            caught_up_at: head.caught_up_at,
        }),
        findings: page.findings.into_iter().map(Finding::from).collect(),
    }))
}

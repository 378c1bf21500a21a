//! Whether the audit log is what was written.

use access::Caller;
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ValidQuery, problem::Result};

use crate::{
    App, domain::audit_chain::Finding, jobs::hex, permissions::AuditRead, verification::verify,
};

/// What a check of the log, or of a part of it, has found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "valid": false, "checked": 1041, "until": 1042, "next_after": null,
    "head": {"sequence": 1042, "hash": "9f2c5a71d0e84b36a1c7f3e25b6d8890413a7cde5f60b9128374fa0ce6d1b5a2", "caught_up_at": "2026-11-20T10:00:00Z"},
    "findings": [{"kind": "missing", "sequence": 17, "until": 17, "entry_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "moved_from": null}]
}))]
pub struct AuditVerification {
    /// Whether nothing was found in what was checked.
    pub valid: bool,
    /// How many entries were checked.
    pub checked: usize,
    /// Up to which place of the chain.
    pub until: i64,
    /// What to ask for as `after` to go on; null at the end of the log.
    pub next_after: Option<i64>,
    /// Where the chain ends; null as long as nothing was sealed. Compare it with a copy that was kept elsewhere: whoever controls
    /// the database can put log and head back to an earlier state together.
    pub head: Option<AuditHead>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

/// Where the chain of a tenant's audit log ends.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditHead {
    /// The place of the newest sealed entry.
    pub sequence: i64,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
    /// When no entry was left unsealed.
    pub caught_up_at: Option<DateTime<Utc>>,
}

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditVerificationQuery {
    /// Behind which place of the chain; without it from the beginning.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 0)]
    after: i64,
}

/// Checks whether the audit log is what was written: 2,000 entries, or the rest.
///
/// Entries are sealed within a minute of the act, each into a keyed hash over itself and the one before. What was changed, removed,
/// put in, moved or cut off since then is named.
#[utoipa::path(get, path = "/audit-log/verification", responses((status = 200, description = "What was found.", body = AuditVerification)))]
pub async fn verify_audit_log(
    State(app): State<App>,
    caller: Caller<AuditRead>,
    ValidQuery(query): ValidQuery<AuditVerificationQuery>,
) -> Result<Json<AuditVerification>> {
    let mut tx = caller.begin(&app.db).await?;
    let part = verify(&app, &mut tx, query.after).await?;
    tx.commit().await?;
    Ok(Json(AuditVerification {
        valid: part.findings.is_empty(),
        checked: part.checked,
        until: part.until,
        next_after: part.more.then_some(part.until),
        head: part.head.map(|head| AuditHead {
            sequence: head.sequence,
            hash: hex(&head.chain_hash),
            caught_up_at: head.caught_up_at,
        }),
        findings: part.findings,
    }))
}

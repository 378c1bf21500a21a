//! Proving that a host belongs to a tenant.

use access::{Caller, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::{DbError, TenantTx};
use events::Announcement;
use ids::{TenantDomainId, TenantId};
use serde_json::{Value, json};
use web::{
    Fetched, PathIds, Problem, RequestInfo,
    problem::{self, Result},
};

use super::{domains::Domain, visit};
use crate::{
    App, error,
    events::{DOMAIN_RELEASED, DOMAIN_VERIFIED},
    permissions::DomainUpdate,
    proofs::Findings,
    store::domains::{self, DomainRow},
};

/// Looks for the proof of a claim, in the DNS and on the host's own server at once. With either of them the host is the tenant's:
/// its pages may call with the tenant's credentials. The proof has to stay: it is looked for every day.
#[utoipa::path(post, path = "/tenants/{id}/domains/{domain_id}/verify", responses((status = 200, description = "The host is the tenant's.", body = Domain)))]
pub async fn verify_domain(
    State(app): State<App>,
    caller: Caller<DomainUpdate>,
    PathIds((id, domain_id)): PathIds<(TenantId, TenantDomainId)>,
) -> Result<Fetched<Domain>> {
    let mut tx = visit::begin_on(&app, &caller, id).await?;
    let claimed = domains::find(&mut tx, domain_id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    // No transaction waits for the world outside.
    tx.commit().await?;
    let findings = app.proofs.look(&claimed.host, &claimed.proof).await;
    let now = app.gate.clock().now();
    let method = findings
        .method()
        .ok_or_else(|| not_proved(&claimed, findings))?;
    let mut tx = visit::begin_on(&app, &caller, id).await?;
    // It may have been given up meanwhile, or claimed anew with another proof.
    let row = domains::lock(&mut tx, domain_id)
        .await?
        .filter(|row| row.proof == claimed.proof)
        .ok_or(&problem::NOT_FOUND)?;
    let first = row.verified_at.is_none();
    let row = DomainRow {
        method: Some(method),
        verified_at: row.verified_at.or(Some(now)),
        checked_at: Some(now),
        failing_since: None,
        version: row.version + 1,
        updated_at: now,
        ..row
    };
    let taken = |error: DbError| -> Problem {
        let other = ["tenant_domains_owner_key", "origins_origin_key"];
        if other.iter().any(|name| error.is_constraint(name)) {
            error::DOMAIN_TAKEN
                .problem()
                .argument("host", &*claimed.host)
        } else {
            error.into()
        }
    };
    domains::update(&mut tx, &row).await.map_err(taken)?;
    if first {
        domains::insert_origin(&mut tx, &row.host, now)
            .await
            .map_err(taken)?;
        let announcement = Announcement {
            kind: &DOMAIN_VERIFIED,
            subject: format!("domain/{domain_id}"),
            version: row.version.into(),
            data: json!({"domain_id": domain_id, "host": row.host, "method": method}),
            sealed: None,
        };
        events::announce(&mut tx, caller.request(), now, announcement).await?;
        let entry = audit::Entry::new("tenancy.domain.verified", "domain", domain_id)
            .change("host", Value::Null, row.host.as_str())
            .change("method", Value::Null, method.as_str());
        let reason = caller.reason.as_deref();
        audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    }
    tx.commit().await?;
    app.gate.forget_tenant(id).await;
    Ok(Fetched(row.into()))
}

fn not_proved(row: &DomainRow, findings: Findings) -> Problem {
    error::DOMAIN_NOT_PROVED
        .problem()
        .argument("host", &*row.host)
        .member("findings", json!(findings))
}

/// Tells that a host is no longer the tenant's, and why: `given_up` or `proof_missing`.
pub async fn announce_release(
    tx: &mut TenantTx,
    request: &RequestInfo,
    row: &DomainRow,
    why: &'static str,
    now: DateTime<Utc>,
) -> Result<()> {
    let announcement = Announcement {
        kind: &DOMAIN_RELEASED,
        subject: format!("domain/{}", row.id),
        version: (row.version + 1).into(),
        data: json!({"domain_id": row.id, "host": row.host, "why": why}),
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}

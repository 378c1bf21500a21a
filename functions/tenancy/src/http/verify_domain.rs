//! Verifies that a host belongs to a tenant.

use crate::ids::TenantDomainId;
use access::{Caller, audit};
use axum::extract::State;
use db::DbError;
use ids::TenantId;
use serde_json::{Value, json};
use web::{
    Fetched, PathIds, Problem,
    problem::{self, Result},
};

use super::{domains::Domain, tenant_scope};
use crate::{
    App,
    domain::domain_proof::ProofCheck,
    error,
    events::DomainVerified,
    permissions::DomainUpdate,
    store::domains::{self, DomainRow},
};

/// Verify a domain
///
/// Looks for the proof of ownership in the DNS and on the host itself. If either is found, pages of the host can call
/// the API for the tenant. The proof must stay in place, because it is checked daily.
#[utoipa::path(post, path = "/tenants/{id}/domains/{domain_id}/verify", responses((status = 200, description = "The domain is verified.", body = Domain)))]
pub(crate) async fn verify_domain(
    State(app): State<App>,
    caller: Caller<DomainUpdate>,
    PathIds((id, domain_id)): PathIds<(TenantId, TenantDomainId)>,
) -> Result<Fetched<Domain>> {
    let mut unit = tenant_scope::begin_for_existing_tenant(&app, &caller, id).await?;
    let claimed = domains::find_domain(&mut unit, domain_id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    // No transaction stays open during the lookups.
    unit.commit_unchanged().await?;
    let check = app
        .domain_verifier
        .check(&claimed.host, &claimed.proof)
        .await;
    let method = check.method().ok_or_else(|| not_proved(&claimed, check))?;
    let mut unit = tenant_scope::begin_for_existing_tenant(&app, &caller, id).await?;
    // The domain may have been released meanwhile, or claimed again with a different proof.
    let row = domains::lock_domain(&mut unit, domain_id)
        .await?
        .filter(|row| row.proof == claimed.proof)
        .ok_or(&problem::NOT_FOUND)?;
    let now = unit.now();
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
    domains::update_domain(&mut unit, &row)
        .await
        .map_err(taken)?;
    if first {
        domains::insert_origin(&mut unit, &row.host)
            .await
            .map_err(taken)?;
        let event = DomainVerified {
            domain_id,
            host: row.host.clone(),
            method,
        };
        unit.publish(row.version, event).await?;
        let entry = audit::Entry::new("tenancy.domain.verified", "domain", domain_id)
            .change("host", Value::Null, row.host.as_str())
            .change("method", Value::Null, method.as_str());
        unit.audit(entry).await?;
        unit.commit().await?;
    } else {
        unit.commit_unchanged().await?;
    }
    app.state.authenticator().invalidate_tenant(id).await;
    Ok(Fetched(row.into()))
}

fn not_proved(row: &DomainRow, check: ProofCheck) -> Problem {
    error::DOMAIN_NOT_PROVED
        .problem()
        .argument("host", &*row.host)
        .member("findings", json!(check))
}

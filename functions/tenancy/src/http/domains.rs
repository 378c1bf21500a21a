//! The domains of a tenant: list, claim and release them.

use crate::ids::TenantDomainId;
use access::list::{Entry, ListQuery, Listed};
use access::{Caller, audit, opaque};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::DbError;
use events::UnitOfWork;
use http::StatusCode;
use ids::TenantId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{
    Created, Localized, Page, PathIds, Problem, ValidJson,
    openapi::BASE,
    problem::{self, FieldCode, Result},
    reply::Versioned,
};

use super::tenant_scope;
use crate::{
    App,
    domain::{
        domain_proof::{Method, ReleaseReason},
        host_name::HostName,
    },
    domain_verification::{DNS_LABEL, FILE_PATH},
    error,
    events::DomainReleased,
    permissions::{DomainRead, DomainUpdate},
    store::domains::{self, DomainRow},
};

/// How many domains a tenant can have.
const MAX_DOMAINS: usize = 50;

web::text_enum! {
    /// The status of a domain.
    pub enum DomainStatus {
        /// Not verified yet, without any effect.
        Pending = "pending",
        /// Verified. Its pages can call the API.
        Verified = "verified",
        /// Verified before, but the proof is missing. Released after 7 days.
        Failing = "failing",
    }
}

/// A domain of a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "host": "app.muster.example", "status": "pending",
    "proof": {
        "dns_name": "_revalenz.app.muster.example",
        "file_url": "https://app.muster.example/.well-known/revalenz-domain-verification.txt",
        "text": "revalenz-domain-verification=5f2c1c0e9a7b4d3e8f6a1b2c3d4e5f60"
    },
    "method": null, "verified_at": null, "checked_at": null, "failing_since": null,
    "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "version": 1
}))]
pub(crate) struct Domain {
    /// The ID of the domain.
    pub(crate) id: TenantDomainId,
    /// The host, in lower case and Punycode.
    pub(crate) host: String,
    /// The status of the domain.
    pub(crate) status: DomainStatus,
    /// How to prove ownership.
    pub(crate) proof: DomainProof,
    /// How the domain was verified.
    pub(crate) method: Option<Method>,
    /// When the domain was verified.
    pub(crate) verified_at: Option<DateTime<Utc>>,
    /// When the proof was last checked.
    pub(crate) checked_at: Option<DateTime<Utc>>,
    /// Since when the proof has been missing.
    pub(crate) failing_since: Option<DateTime<Utc>>,
    /// When the domain was claimed.
    pub(crate) created_at: DateTime<Utc>,
    /// When the domain was last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// Incremented with every change.
    pub(crate) version: i32,
}

/// Two ways to prove ownership. One of them is enough and must stay in place.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DomainProof {
    /// The name of a TXT record with `text` as its value.
    pub(crate) dns_name: String,
    /// The URL of a file with `text` as its content. Redirects are not followed.
    pub(crate) file_url: String,
    /// The text of the proof. It is not secret, and changes with every claim.
    pub(crate) text: String,
}

impl From<DomainRow> for Domain {
    fn from(row: DomainRow) -> Self {
        let status = match (row.verified_at, row.failing_since) {
            (None, _) => DomainStatus::Pending,
            (Some(_), None) => DomainStatus::Verified,
            (Some(_), Some(_)) => DomainStatus::Failing,
        };
        Self {
            id: row.id,
            status,
            proof: DomainProof {
                dns_name: format!("{DNS_LABEL}.{}", row.host),
                file_url: format!("https://{}{FILE_PATH}", row.host),
                text: row.proof,
            },
            host: row.host,
            method: row.method,
            verified_at: row.verified_at,
            checked_at: row.checked_at,
            failing_since: row.failing_since,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

impl Versioned for Domain {
    fn version(&self) -> i32 {
        self.version
    }
}

web::body! {
    /// A domain to claim.
    pub struct ClaimDomain {
        /// The host, without scheme and port. Wildcards, IP addresses and hosts of the platform are not allowed.
        pub host: HostName,
    }
    example { "host": "app.muster.example" }
}

/// A new text of a proof.
pub(crate) fn new_proof() -> String {
    let random = Uuid::from_bytes(opaque::random()).simple();
    format!("revalenz-domain-verification={random}")
}

web::query! {
    /// No filters.
    pub(crate) struct ListDomains {}
}

/// List domains
///
/// Returns the domains of a tenant by host, at most 50. Admins can list the domains of their own tenant, platform staff
/// of any tenant.
#[utoipa::path(get, path = "/tenants/{id}/domains", responses((status = 200, description = "The domains.", body = Page<Domain>)))]
pub(crate) async fn list_domains(
    State(app): State<App>,
    caller: Caller<DomainRead>,
    PathIds(id): PathIds<TenantId>,
    query: ListQuery<ListDomains>,
) -> Result<Listed<Domain>> {
    let mut unit = tenant_scope::begin_for_existing_tenant(&app, &caller, id).await?;
    let rows = domains::list_domains(&mut unit).await?;
    let entry = |row: DomainRow| Entry {
        id: row.id.to_string(),
        changed_at: row.updated_at,
        item: Domain::from(row),
    };
    let entries = rows.into_iter().map(entry).collect();
    let listed = query
        .items(&app.cursors, &caller, &mut unit, domains::NAME, entries)
        .await?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "domains").await?;
    unit.commit().await?;
    Ok(listed)
}

/// Claim a domain
///
/// Adds a domain to a tenant and returns how to prove ownership. The domain has no effect until it is verified. Several
/// tenants can claim the same host; the first to verify it gets it.
#[utoipa::path(post, path = "/tenants/{id}/domains", responses((status = 201, description = "The domain, and how to prove ownership.", body = Domain)))]
pub(crate) async fn claim_domain(
    State(app): State<App>,
    caller: Caller<DomainUpdate>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<ClaimDomain>,
) -> Result<Created<Domain>> {
    let host = body.host;
    if host.is_of_platform(&app.state.settings().public_url) {
        return Err(Problem::field("/host", reserved()));
    }
    let mut unit = tenant_scope::begin_for_existing_tenant(&app, &caller, id).await?;
    // The lock keeps concurrent claims from exceeding the limit.
    crate::store::tenants::lock_tenant(&mut unit, id).await?;
    if domains::list_domains(&mut unit).await?.len() >= MAX_DOMAINS {
        return Err(error::TOO_MANY_DOMAINS
            .problem()
            .argument("most", MAX_DOMAINS));
    }
    let now = unit.now();
    let row = DomainRow {
        id: TenantDomainId::at(now),
        host: host.as_str().to_owned(),
        proof: new_proof(),
        method: None,
        verified_at: None,
        checked_at: None,
        failing_since: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let known = |error: DbError| -> Problem {
        if error.is_constraint("tenant_domains_host_key") {
            error::DOMAIN_KNOWN
                .problem()
                .argument("host", host.as_str())
        } else {
            error.into()
        }
    };
    domains::insert_domain(&mut unit, &row)
        .await
        .map_err(known)?;
    let entry = audit::Entry::new("tenancy.domain.claimed", "domain", row.id).change(
        "host",
        Value::Null,
        row.host.as_str(),
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(Created {
        location: format!("{BASE}/tenants/{id}/domains/{}", row.id),
        resource: row.into(),
    })
}

/// Release a domain
///
/// Removes the domain from the tenant. Its pages can no longer call the API. The host can then be claimed and verified
/// again.
#[utoipa::path(delete, path = "/tenants/{id}/domains/{domain_id}", responses((status = 204, description = "The domain was released.")))]
pub(crate) async fn release_domain(
    State(app): State<App>,
    caller: Caller<DomainUpdate>,
    PathIds((id, domain_id)): PathIds<(TenantId, TenantDomainId)>,
) -> Result<StatusCode> {
    let mut unit = tenant_scope::begin_for_existing_tenant(&app, &caller, id).await?;
    let row = domains::lock_domain(&mut unit, domain_id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    domains::delete_domain(&mut unit, domain_id, row.version + 1).await?;
    if row.verified_at.is_some() {
        domains::delete_origin(&mut unit, &row.host).await?;
        publish_release(&mut unit, &row, ReleaseReason::GivenUp).await?;
    }
    let entry = audit::Entry::new("tenancy.domain.released", "domain", row.id).change(
        "host",
        row.host.as_str(),
        Value::Null,
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_tenant(id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Publishes that a host no longer belongs to the tenant.
pub(crate) async fn publish_release(
    unit: &mut UnitOfWork,
    row: &DomainRow,
    why: ReleaseReason,
) -> Result<()> {
    let event = DomainReleased {
        domain_id: row.id,
        host: row.host.clone(),
        why,
    };
    unit.publish(row.version + 1, event).await?;
    Ok(())
}

fn reserved() -> FieldCode {
    FieldCode::Rule(
        "reserved",
        Localized {
            de: "ist für die Plattform reserviert",
            en: "is reserved for the platform",
        },
    )
}

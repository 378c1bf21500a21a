//! The domains of a tenant: claiming a host, seeing how to prove it, letting go of it.

use access::{Caller, audit, opaque};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use db::DbError;
use http::StatusCode;
use ids::{TenantDomainId, TenantId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{
    Created, Page, PathIds, Problem, Texts, ValidJson,
    openapi::BASE,
    problem::{self, FieldCode, Result},
    reply::Versioned,
};

use super::{verify_domain::announce_release, visit};
use crate::{
    App,
    domain::host_name::HostName,
    error,
    permissions::{DomainRead, DomainUpdate},
    proofs::{LABEL, Method, PATH},
    store::domains::{self, DomainRow},
};

/// Claims that a tenant may have: more are no frontends.
const MOST: usize = 50;

web::text_enum! {
    /// Where a claim stands.
    pub enum DomainStatus {
        /// Not proved yet: it means nothing.
        Pending = "pending",
        /// Proved: its pages may call.
        Verified = "verified",
        /// Proved once, and the proof is gone: it is let go of after 7 days.
        Failing = "failing",
    }
}

/// A host that a tenant says is its own.
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
pub struct Domain {
    /// Its identifier.
    pub id: TenantDomainId,
    /// The host, in lower case, other scripts in Punycode.
    pub host: String,
    /// Where it stands.
    pub status: DomainStatus,
    /// How to prove it.
    pub proof: DomainProof,
    /// How it was proved.
    pub method: Option<Method>,
    /// When it was proved.
    pub verified_at: Option<DateTime<Utc>>,
    /// When the proof was last looked for.
    pub checked_at: Option<DateTime<Utc>>,
    /// Since when the proof is gone.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was claimed.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Grows with every change.
    pub version: i32,
}

/// One of two ways is enough, and has to stay.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DomainProof {
    /// The name of a TXT record that says `text`.
    pub dns_name: String,
    /// The address of a file that says `text`, without a redirect.
    pub file_url: String,
    /// What has to be said. It is no secret, and another one after every claim.
    pub text: String,
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
                dns_name: format!("{LABEL}.{}", row.host),
                file_url: format!("https://{}{PATH}", row.host),
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
    /// A host to claim.
    pub struct ClaimDomain {
        /// The host, without scheme and port; no wildcard, no address, none of the platform's own.
        pub host: HostName,
    }
    example { "host": "app.muster.example" }
}

/// What has to be said to prove a claim.
pub fn new_proof() -> String {
    let random = Uuid::from_bytes(opaque::random()).simple();
    format!("revalenz-domain-verification={random}")
}

/// Lists the domains of a tenant by host, at most 50: admins their own, staff any.
#[utoipa::path(get, path = "/tenants/{id}/domains", responses((status = 200, description = "All domains.", body = Page<Domain>)))]
pub async fn list_domains(
    State(app): State<App>,
    caller: Caller<DomainRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Json<Page<Domain>>> {
    let mut tx = visit::begin_on(&app, &caller, id).await?;
    let rows = domains::list(&mut tx).await?;
    visit::note_reading(&mut tx, &caller, id, "domains", app.gate.clock().now()).await?;
    tx.commit().await?;
    Ok(Json(Page {
        items: rows.into_iter().map(Domain::from).collect(),
        next_cursor: None,
        total: None,
    }))
}

/// Claims a host for a tenant. Nothing happens before it is proved; others may claim it, too, and the first proof counts.
#[utoipa::path(post, path = "/tenants/{id}/domains", responses((status = 201, description = "The claim, and how to prove it.", body = Domain)))]
pub async fn claim_domain(
    State(app): State<App>,
    caller: Caller<DomainUpdate>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<ClaimDomain>,
) -> Result<Created<Domain>> {
    let now = app.gate.clock().now();
    let host = body.host;
    if host.is_of_platform(&app.gate.settings().public_url) {
        return Err(Problem::field("/host", reserved()));
    }
    let mut tx = visit::begin_on(&app, &caller, id).await?;
    // One after the other, so that the limit holds.
    crate::store::tenants::lock(&mut tx, id).await?;
    if domains::list(&mut tx).await?.len() >= MOST {
        return Err(error::TOO_MANY_DOMAINS.problem().argument("most", MOST));
    }
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
    domains::insert(&mut tx, &row).await.map_err(known)?;
    let entry = audit::Entry::new("tenancy.domain.claimed", "domain", row.id).change(
        "host",
        Value::Null,
        row.host.as_str(),
    );
    let reason = caller.reason.as_deref();
    audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    tx.commit().await?;
    Ok(Created {
        location: format!("{BASE}/tenants/{id}/domains/{}", row.id),
        resource: row.into(),
    })
}

/// Lets go of a host: its pages may no longer call, and whoever has it next proves it anew.
#[utoipa::path(delete, path = "/tenants/{id}/domains/{domain_id}", responses((status = 204, description = "The host is nobody's.")))]
pub async fn release_domain(
    State(app): State<App>,
    caller: Caller<DomainUpdate>,
    PathIds((id, domain_id)): PathIds<(TenantId, TenantDomainId)>,
) -> Result<StatusCode> {
    let now = app.gate.clock().now();
    let mut tx = visit::begin_on(&app, &caller, id).await?;
    let row = domains::lock(&mut tx, domain_id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    domains::delete(&mut tx, domain_id).await?;
    if row.verified_at.is_some() {
        domains::delete_origin(&mut tx, &row.host).await?;
        announce_release(&mut tx, caller.request(), &row, "given_up", now).await?;
    }
    let entry = audit::Entry::new("tenancy.domain.released", "domain", row.id).change(
        "host",
        row.host.as_str(),
        Value::Null,
    );
    let reason = caller.reason.as_deref();
    audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    tx.commit().await?;
    app.gate.forget_tenant(id).await;
    Ok(StatusCode::NO_CONTENT)
}

fn reserved() -> FieldCode {
    FieldCode::Rule(
        "reserved",
        Texts {
            de: "dieser Name gehört der Plattform",
            en: "this name belongs to the platform",
        },
    )
}

//! Tenants: reading them.

use access::{Caller, TenantStatus, audit};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ids::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{
    Fetched, Limit, Line, Page, PathIds, Scope, ValidQuery,
    problem::{self, Result},
    reply::Versioned,
};

use super::visit;
use crate::{
    App,
    domain::license::LicenseType,
    permissions::TenantRead,
    store::tenants::{self, TenantFilter, TenantRow},
};

/// A customer organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "slug": "muster-gmbh", "name": "Muster GmbH", "email": "office@muster.example",
    "domain": "app.muster.example", "status": "active", "status_since": "2026-11-20T10:00:00Z",
    "status_reason": null, "closes_at": null, "license_type": "standard", "max_users": 25, "region": "eu",
    "locale": "de", "time_zone": "Europe/Berlin", "currency": "EUR",
    "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "version": 1
}))]
pub struct Tenant {
    /// Its identifier.
    pub id: TenantId,
    /// Its short name, with which its people sign in.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// How to reach it.
    pub email: String,
    /// Where its own frontend is.
    pub domain: Option<String>,
    /// Where it stands in its life.
    pub status: TenantStatus,
    /// Since when.
    pub status_since: DateTime<Utc>,
    /// Why, if it was put there.
    pub status_reason: Option<String>,
    /// When its data go, if it is closing.
    pub closes_at: Option<DateTime<Utc>>,
    /// The plan of its licence.
    pub license_type: LicenseType,
    /// How many people its licence seats.
    pub max_users: i32,
    /// Where its data lie.
    pub region: String,
    /// The language of everybody who chose none.
    pub locale: String,
    /// Its IANA time zone.
    pub time_zone: String,
    /// The currency in which it reckons.
    pub currency: String,
    /// When it was founded.
    pub created_at: DateTime<Utc>,
    /// When it was last changed: master data, settings or flags.
    pub updated_at: DateTime<Utc>,
    /// Grows with every change.
    pub version: i32,
}

impl From<TenantRow> for Tenant {
    fn from(row: TenantRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            email: row.email,
            domain: row.domain,
            status: row.status,
            status_since: row.status_since.unwrap_or(row.created_at),
            status_reason: row.status_reason,
            closes_at: row.closes_at,
            license_type: row.license_type,
            max_users: row.max_users,
            region: row.region,
            locale: row.locale,
            time_zone: row.time_zone,
            currency: row.currency,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

impl Versioned for Tenant {
    fn version(&self) -> i32 {
        self.version
    }
}

/// Which tenants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TenantsQuery {
    /// Only those that stand here in their life.
    #[param(inline)]
    status: Option<TenantStatus>,
    /// Only those whose slug or name contains this, in upper or lower case.
    #[param(inline)]
    q: Option<Line<1, 100>>,
    /// How many.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Lists tenants, newest first: all for the platform's staff, everybody else finds their own.
#[utoipa::path(get, path = "/tenants", responses((status = 200, description = "Tenants, newest first.", body = Page<Tenant>)))]
pub async fn list_tenants(
    State(app): State<App>,
    caller: Caller<TenantRead>,
    ValidQuery(query): ValidQuery<TenantsQuery>,
) -> Result<Json<Page<Tenant>>> {
    let scope = Scope::new("tenants", caller.tenant.id, &(query.status, &query.q));
    let after = query
        .cursor
        .map(|cursor| app.cursors.open(&scope, &cursor))
        .transpose()?;
    let filter = TenantFilter {
        status: query.status,
        search: query.q.as_ref().map(Line::as_str),
        after,
    };
    let mut tx = if visit::is_staff(&caller) {
        caller.begin_writing(&app.db).await?
    } else {
        caller.begin(&app.db).await?
    };
    let rows = if visit::is_staff(&caller) {
        let entry = audit::Entry::new("tenancy.tenant.listed", "tenant", "all");
        audit::record(
            &mut tx,
            caller.request(),
            app.gate.clock().now(),
            caller.reason.as_deref(),
            entry,
        )
        .await?;
        tenants::list_all(&mut tx, &filter, query.limit.rows()).await?
    } else {
        tenants::list_own(&mut tx, &filter).await?
    };
    tx.commit().await?;
    let page = query.limit.page(rows, |last| {
        app.cursors.seal(&scope, &(last.created_at, last.id))
    });
    Ok(Json(page.map(Tenant::from)))
}

/// Reads one tenant: staff any, everybody else their own.
#[utoipa::path(get, path = "/tenants/{id}", responses((status = 200, description = "The tenant.", body = Tenant)))]
pub async fn get_tenant(
    State(app): State<App>,
    caller: Caller<TenantRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Fetched<Tenant>> {
    let mut tx = visit::begin(&app, &caller, id).await?;
    let row = tenants::find(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    visit::note_reading(&mut tx, &caller, id, "tenant", app.gate.clock().now()).await?;
    tx.commit().await?;
    Ok(Fetched(row.into()))
}

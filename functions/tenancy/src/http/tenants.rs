//! List and get tenants.

use access::list::{ListQuery, Listed};
use access::{Caller, TenantStatus, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use ids::TenantId;
use serde::Serialize;
use utoipa::ToSchema;
use web::query::OneOf;
use web::{
    Fetched, Page, PathIds, SingleLine,
    problem::{self, Result},
    reply::Versioned,
};

use super::tenant_scope;
use crate::{
    App,
    domain::license_type::LicenseType,
    permissions::TenantRead,
    store::tenants::{self, TenantFilter, TenantRow},
};

/// A tenant: an organisation that uses the platform.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "slug": "muster-gmbh", "name": "Muster GmbH", "email": "office@muster.example",
    "domain": "app.muster.example", "status": "active", "status_since": "2026-11-20T10:00:00Z",
    "status_reason": null, "closes_at": null, "license_type": "standard", "max_users": 25, "region": "eu",
    "locale": "de", "time_zone": "Europe/Berlin", "currency": "EUR",
    "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "version": 1
}))]
pub(crate) struct Tenant {
    /// The ID of the tenant.
    pub(crate) id: TenantId,
    /// The short name with which users sign in.
    pub(crate) slug: String,
    /// The name of the organisation.
    pub(crate) name: String,
    /// The contact email address.
    pub(crate) email: String,
    /// The host of the tenant's own frontend.
    pub(crate) domain: Option<String>,
    /// The status of the tenant.
    pub(crate) status: TenantStatus,
    /// Since when the tenant has had this status.
    pub(crate) status_since: DateTime<Utc>,
    /// The reason for the last change of status.
    pub(crate) status_reason: Option<String>,
    /// When the data of a closing tenant is erased.
    pub(crate) closes_at: Option<DateTime<Utc>>,
    /// The plan of the licence.
    pub(crate) license_type: LicenseType,
    /// The number of seats.
    pub(crate) max_users: i32,
    /// The region in which data is stored.
    pub(crate) region: String,
    /// The default language.
    pub(crate) locale: String,
    /// The IANA time zone.
    pub(crate) time_zone: String,
    /// The billing currency.
    pub(crate) currency: String,
    /// When the tenant was created.
    pub(crate) created_at: DateTime<Utc>,
    /// When master data, settings or flags were last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// Incremented with every change.
    pub(crate) version: i32,
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

web::query! {
    /// Filters of tenants.
    pub(crate) struct ListTenants {
        /// Only tenants with one of these statuses.
        status: OneOf<TenantStatus>,
        /// Only tenants whose slug or name contains this text, ignoring case.
        q: Option<SingleLine<1, 100>>,
    }
}

/// List tenants
///
/// Returns tenants, newest first. Platform staff see all tenants, everyone else sees their own.
#[utoipa::path(get, path = "/tenants", responses((status = 200, description = "The tenants, newest first.", body = Page<Tenant>)))]
pub(crate) async fn list_tenants(
    State(app): State<App>,
    caller: Caller<TenantRead>,
    query: ListQuery<ListTenants>,
) -> Result<Listed<Tenant>> {
    let ListTenants { status, q } = query.filter.clone();
    let filter = TenantFilter {
        status: status.given(),
        search: q.map(SingleLine::into_string),
    };
    let (mut unit, source);
    if tenant_scope::is_staff(&caller) {
        unit = UnitOfWork::begin_read_write(&app, &caller).await?;
        let entry = audit::Entry::new("tenancy.tenant.listed", "tenant", "all");
        unit.audit(entry).await?;
        source = &tenants::ALL_TENANTS;
    } else {
        unit = UnitOfWork::begin(&app, &caller).await?;
        source = &tenants::OWN_TENANT;
    }
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (source, tenants::NEWEST_FIRST),
            |_| {},
            |sql| tenants::push_filter(sql, &filter),
        )
        .await?;
    unit.commit().await?;
    Ok(listed.map(|row: TenantRow| Tenant::from(row)))
}

/// Get a tenant
///
/// Platform staff can read any tenant, everyone else their own.
#[utoipa::path(get, path = "/tenants/{id}", responses((status = 200, description = "The tenant.", body = Tenant)))]
pub(crate) async fn get_tenant(
    State(app): State<App>,
    caller: Caller<TenantRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Fetched<Tenant>> {
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let row = tenants::find_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "tenant").await?;
    unit.commit().await?;
    Ok(Fetched(row.into()))
}

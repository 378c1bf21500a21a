//! Reads the licences of a tenant.

use crate::ids::LicenseId;
use access::list::{ListQuery, Listed};
use access::{Caller, usage::Metric};
use axum::extract::State;
use chrono::{DateTime, Utc};
use ids::TenantId;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{
    Fetched, Page, PathIds,
    problem::{self, Result},
    reply::Versioned,
};

use super::tenant_scope;
use crate::{
    App,
    domain::{
        flags::Flag,
        license::{self, Enforcement, License},
        license_type::LicenseType,
    },
    permissions::LicenseRead,
    store::{
        licenses::{self, license_limits_json},
        tenants,
    },
};

/// What is licensed to a tenant for a period.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LicenseTerms, example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "plan": "standard", "seats": 25, "features": ["support", "files"],
    "limits": [{"metric": "api_requests", "limit": 10_000_000, "enforcement": "hard"}], "values": {"support_hours": 8},
    "valid_from": "2026-11-20T10:00:00Z", "valid_to": null, "superseded_at": null, "created_at": "2026-11-20T10:00:00Z"
}))]
pub(crate) struct LicenseView {
    /// The ID of the licence.
    pub(crate) id: LicenseId,
    /// The plan.
    pub(crate) plan: LicenseType,
    /// The number of seats. Invitations count, API keys do not.
    pub(crate) seats: i32,
    /// The included features. `null` means all. Other features are off, whatever their flag says.
    pub(crate) features: Option<Vec<Flag>>,
    /// The metered limits.
    pub(crate) limits: Vec<LicenseLimit>,
    /// Static values: numbers and texts.
    pub(crate) values: Map<String, Value>,
    /// When the licence takes effect.
    pub(crate) valid_from: DateTime<Utc>,
    /// When the licence ends (exclusive). `null` means never. Equal to `valid_from` if the licence was superseded
    /// before it took effect.
    pub(crate) valid_to: Option<DateTime<Utc>>,
    /// When the licence was superseded by another one.
    pub(crate) superseded_at: Option<DateTime<Utc>>,
    /// When the licence was agreed. Licences are never edited.
    pub(crate) created_at: DateTime<Utc>,
}

/// A metered limit.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct LicenseLimit {
    /// The metric.
    pub(crate) metric: Metric,
    /// The limit: for storage at any time, for other metrics per calendar month (UTC).
    pub(crate) limit: i64,
    /// Whether further use is refused, or counted with a warning.
    pub(crate) enforcement: Enforcement,
}

impl From<&License> for LicenseView {
    fn from(license: &License) -> Self {
        let terms = &license.terms;
        let limits = Metric::all().filter_map(|metric| {
            Some(LicenseLimit {
                metric,
                limit: terms.limit(metric)?,
                enforcement: terms.enforcement(metric),
            })
        });
        Self {
            id: license.id,
            plan: terms.plan,
            seats: terms.seats,
            features: terms.features.clone(),
            limits: limits.collect(),
            values: license_limits_json(&terms.values()),
            valid_from: license.valid_from,
            valid_to: license.valid_to,
            superseded_at: license.superseded_at,
            created_at: license.created_at,
        }
    }
}

/// The licences of a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TenantLicense {
    /// The current licence. `null` if there is none.
    pub(crate) in_force: Option<LicenseView>,
    /// The upcoming licences, earliest first.
    pub(crate) upcoming: Vec<LicenseView>,
    /// The version of the tenant, incremented with every change of licence, flags, settings or master data.
    pub(crate) version: i32,
}

impl TenantLicense {
    pub(super) fn of(licenses: &[License], version: i32, now: DateTime<Utc>) -> Self {
        let upcoming = license::upcoming(licenses, now);
        Self {
            in_force: license::in_force(licenses, now).map(LicenseView::from),
            upcoming: upcoming.into_iter().map(LicenseView::from).collect(),
            version,
        }
    }
}

impl Versioned for TenantLicense {
    fn version(&self) -> i32 {
        self.version
    }
}

/// Get the licence of a tenant
///
/// Returns the current licence and all upcoming ones. Admins can read the licence of their own tenant, platform staff
/// of any tenant.
#[utoipa::path(get, path = "/tenants/{id}/license", responses((status = 200, description = "The current licence and the upcoming ones.", body = TenantLicense)))]
pub(crate) async fn get_license(
    State(app): State<App>,
    caller: Caller<LicenseRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Fetched<TenantLicense>> {
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let row = tenants::find_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let present = licenses::list_licenses(&mut unit).await?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "license").await?;
    let now = unit.now();
    unit.commit().await?;
    Ok(Fetched(TenantLicense::of(&present, row.version, now)))
}

web::query! {
    /// No filters.
    pub(crate) struct ListLicenses {}
}

/// List the licence history
///
/// Returns all past, current and upcoming licences of a tenant, most recently agreed first. Licences are never edited
/// or deleted.
#[utoipa::path(get, path = "/tenants/{id}/license/history", responses((status = 200, description = "The licences, most recently agreed first.", body = Page<LicenseView>)))]
pub(crate) async fn list_licenses(
    State(app): State<App>,
    caller: Caller<LicenseRead>,
    PathIds(id): PathIds<TenantId>,
    query: ListQuery<ListLicenses>,
) -> Result<Listed<LicenseView>> {
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    tenants::find_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (&licenses::LICENSES, licenses::NEWEST_FIRST),
            |_| {},
            |_| {},
        )
        .await?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "license").await?;
    unit.commit().await?;
    Ok(listed.map(|row: licenses::Row| LicenseView::from(&License::from(row))))
}

//! Licences: reading them.

use access::{Caller, usage::Metric};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ids::{LicenseId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use web::{
    Fetched, Limit, Page, PathIds, Scope, ValidQuery,
    problem::{self, Result},
    reply::Versioned,
};

use super::visit;
use crate::{
    App,
    domain::{
        flags::Flag,
        license::{self, License, LicenseType},
        terms::Enforcement,
    },
    permissions::LicenseRead,
    store::{licenses, tenants},
};

/// What was agreed with a tenant for a time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "plan": "standard", "seats": 25, "features": ["support", "files"],
    "limits": [{"metric": "api_requests", "limit": 10_000_000, "enforcement": "hard"}], "values": {"support_hours": 8},
    "valid_from": "2026-11-20T10:00:00Z", "valid_to": null, "superseded_at": null, "created_at": "2026-11-20T10:00:00Z"
}))]
pub struct LicenseTerms {
    /// Its identifier.
    pub id: LicenseId,
    /// The plan.
    pub plan: LicenseType,
    /// How many people it seats; invitations count, API keys don't.
    pub seats: i32,
    /// The contexts in it; `null` means every one. What is not in it is off, whatever the flag says.
    pub features: Option<Vec<Flag>>,
    /// What is used up to a limit.
    pub limits: Vec<LicenseLimit>,
    /// What simply holds: numbers and texts.
    pub values: Map<String, Value>,
    /// From when it is in force.
    pub valid_from: DateTime<Utc>,
    /// Until before when; for ever when it is `null`. The same as `valid_from` when another took its place before it began.
    pub valid_to: Option<DateTime<Utc>>,
    /// When another took its place.
    pub superseded_at: Option<DateTime<Utc>>,
    /// When it was agreed. It is never changed.
    pub created_at: DateTime<Utc>,
}

/// A metered limit.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct LicenseLimit {
    /// Of what.
    pub metric: Metric,
    /// So much: of storage at any time, of the rest in a month of UTC.
    pub limit: i64,
    /// Whether more is refused, or counted and told.
    pub enforcement: Enforcement,
}

impl From<&License> for LicenseTerms {
    fn from(license: &License) -> Self {
        let content = &license.content;
        let limits = Metric::ALL.iter().filter_map(|metric| {
            Some(LicenseLimit {
                metric: *metric,
                limit: content.limit(*metric)?,
                enforcement: enforcement(&content.soft, *metric),
            })
        });
        Self {
            id: license.id,
            plan: content.plan,
            seats: content.seats,
            features: content.features.clone(),
            limits: limits.collect(),
            values: content.values(),
            valid_from: license.valid_from,
            valid_to: license.valid_to,
            superseded_at: license.superseded_at,
            created_at: license.created_at,
        }
    }
}

/// What happens at the limit of a metric.
pub fn enforcement(soft: &[Metric], metric: Metric) -> Enforcement {
    if soft.contains(&metric) {
        Enforcement::Soft
    } else {
        Enforcement::Hard
    }
}

/// How a tenant is licensed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TenantLicense {
    /// The licence in force at the time of the answer; `null` when there is none.
    pub in_force: Option<LicenseTerms>,
    /// Those that begin later, the next first.
    pub upcoming: Vec<LicenseTerms>,
    /// The version of the tenant: it grows with every change of licence, flags, settings or master data.
    pub version: i32,
}

impl TenantLicense {
    pub(super) fn of(licenses: &[License], version: i32, now: DateTime<Utc>) -> Self {
        let upcoming = license::upcoming(licenses, now);
        Self {
            in_force: license::in_force(licenses, now).map(LicenseTerms::from),
            upcoming: upcoming.into_iter().map(LicenseTerms::from).collect(),
            version,
        }
    }
}

impl Versioned for TenantLicense {
    fn version(&self) -> i32 {
        self.version
    }
}

/// Reads how a tenant is licensed now and later: admins their own, staff any.
#[utoipa::path(get, path = "/tenants/{id}/license", responses((status = 200, description = "The licence in force, and those to come.", body = TenantLicense)))]
pub async fn get_license(
    State(app): State<App>,
    caller: Caller<LicenseRead>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Fetched<TenantLicense>> {
    let now = app.gate.clock().now();
    let mut tx = visit::begin(&app, &caller, id).await?;
    let row = tenants::find(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let present = licenses::list(&mut tx).await?;
    visit::note_reading(&mut tx, &caller, id, "license", now).await?;
    tx.commit().await?;
    Ok(Fetched(TenantLicense::of(&present, row.version, now)))
}

/// Which licences.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LicensesQuery {
    /// How many.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Lists every licence that a tenant had, has or will have, the one agreed last first. None is ever changed or deleted.
#[utoipa::path(get, path = "/tenants/{id}/license/history", responses((status = 200, description = "Licences, the one agreed last first.", body = Page<LicenseTerms>)))]
pub async fn list_licenses(
    State(app): State<App>,
    caller: Caller<LicenseRead>,
    PathIds(id): PathIds<TenantId>,
    ValidQuery(query): ValidQuery<LicensesQuery>,
) -> Result<Json<Page<LicenseTerms>>> {
    let scope = Scope::new("licenses", caller.tenant.id, &id);
    let after = query
        .cursor
        .map(|cursor| app.cursors.open(&scope, &cursor))
        .transpose()?;
    let mut tx = visit::begin(&app, &caller, id).await?;
    tenants::find(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let rows = licenses::page(&mut tx, after, query.limit.rows()).await?;
    visit::note_reading(&mut tx, &caller, id, "license", app.gate.clock().now()).await?;
    tx.commit().await?;
    let page = query
        .limit
        .page(rows, |last| app.cursors.seal(&scope, &last.id));
    Ok(Json(page.map(|license| LicenseTerms::from(&license))))
}

//! Usage of a tenant, compared with its licence.

use access::{Caller, usage::Metric};
use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use ids::TenantId;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use web::{
    Localized, PathIds, Problem, ValidQuery,
    body::Field,
    problem::{self, Errors, FieldCode, Pointer, Result},
};

use super::tenant_scope;
use crate::{
    App,
    domain::{
        license::{self, Enforcement, License},
        month::Month,
        usage::UsageTotals,
    },
    permissions::UsageRead,
    store::{licenses, seats, tenants, usage},
};

/// How many months one response can contain.
const MAX_MONTHS: usize = 36;

web::query! {
    /// The months to return.
    pub(crate) struct UsageQuery {
        /// The first month. Defaults to the last one.
        from: Option<Month>,
        /// The last month. Defaults to the current one.
        to: Option<Month>,
    }
}

impl Field for Month {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let month = value.as_str().and_then(Self::parse);
        month.or_else(|| {
            errors.refuse(
                at,
                FieldCode::InvalidFormat(Localized {
                    de: "muss ein Monat wie 2026-11 sein",
                    en: "must be a month such as 2026-11",
                }),
            )
        })
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9]{4}-(0[1-9]|1[0-2])$"))
            .into()
    }
}

/// What a tenant has used.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "seats": {"taken": 12, "limit": 25},
    "months": [{"month": "2026-11", "metrics": [
        {"metric": "llm_tokens", "used": 1_700_000, "limit": 2_000_000, "enforcement": "hard", "percent": 85}
    ]}]
}))]
pub(crate) struct Usage {
    /// The seats at present.
    pub(crate) seats: SeatUsage,
    /// The requested months, oldest first.
    pub(crate) months: Vec<MonthUsage>,
}

/// The use of seats.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct SeatUsage {
    /// The number of seats in use. Invitations count, API keys and disabled users do not.
    pub(crate) taken: i64,
    /// The number of seats in the licence.
    pub(crate) limit: i32,
}

/// The usage in a month.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct MonthUsage {
    /// The month in UTC, as `2026-11`.
    #[schema(value_type = String, example = "2026-11")]
    pub(crate) month: Month,
    /// All metrics.
    pub(crate) metrics: Vec<MetricUsage>,
}

/// The usage of a metric in a month.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct MetricUsage {
    /// The metric.
    pub(crate) metric: Metric,
    /// The quantity: for storage what is stored at the end of the month or now, for other metrics what was used in the
    /// month. API requests are counted in blocks of 100 per process, so a few may not have been made yet.
    pub(crate) used: i64,
    /// The limit at the end of the month or now. `null` if there is none.
    pub(crate) limit: Option<i64>,
    /// Whether further use is refused, or counted with a warning.
    pub(crate) enforcement: Option<Enforcement>,
    /// The percentage of the limit that is used, rounded down.
    pub(crate) percent: Option<i64>,
}

/// Get the usage of a tenant
///
/// Returns seats and all metrics month by month, with the limits of the licence. Recent events are included. Admins can
/// read the usage of their own tenant, platform staff of any tenant.
#[utoipa::path(get, path = "/tenants/{id}/usage", responses((status = 200, description = "The seats, and all metrics for each month.", body = Usage)))]
pub(crate) async fn get_usage(
    State(app): State<App>,
    caller: Caller<UsageRead>,
    PathIds(id): PathIds<TenantId>,
    ValidQuery(query): ValidQuery<UsageQuery>,
) -> Result<Json<Usage>> {
    let last = query.to.unwrap_or(Month::of(app.state.clock().now()));
    let first = query.from.unwrap_or(last);
    let months: Vec<Month> = first.through(last).take(MAX_MONTHS + 1).collect();
    if months.is_empty() || months.len() > MAX_MONTHS {
        return Err(Problem::field("/from", invalid_range()));
    }
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let row = tenants::find_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let present = licenses::list_licenses(&mut unit).await?;
    let taken = seats::count_seats_taken(&mut unit).await?;
    let used = usage::sum_usage(&mut unit, last.first_day()).await?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "usage").await?;
    let now = unit.now();
    unit.commit().await?;
    let seated = license::in_force(&present, now).map(|license| license.terms.seats);
    Ok(Json(Usage {
        seats: SeatUsage {
            taken,
            limit: seated.unwrap_or(row.max_users),
        },
        months: months
            .into_iter()
            .map(|month| month_usage(month, &used, &present, now))
            .collect(),
    }))
}

fn invalid_range() -> FieldCode {
    FieldCode::Rule(
        "bad_range",
        Localized {
            de: "darf nicht nach to liegen, und der Zeitraum darf höchstens 36 Monate umfassen",
            en: "must not be after to, and the range must not exceed 36 months",
        },
    )
}

fn month_usage(
    month: Month,
    used: &UsageTotals,
    licenses: &[License],
    now: DateTime<Utc>,
) -> MonthUsage {
    let at = now.min(month.end() - TimeDelta::microseconds(1));
    let terms = license::in_force(licenses, at).map(|license| &license.terms);
    let metric = |metric: Metric| {
        let used = used.total(metric, month);
        let limit = terms.and_then(|terms| terms.limit(metric));
        MetricUsage {
            metric,
            used,
            limit,
            enforcement: terms
                .filter(|_| limit.is_some())
                .map(|terms| terms.enforcement(metric)),
            percent: limit
                .filter(|limit| *limit > 0)
                .and_then(|limit| i64::try_from(i128::from(used) * 100 / i128::from(limit)).ok()),
        }
    };
    MonthUsage {
        month,
        metrics: Metric::all().map(metric).collect(),
    }
}

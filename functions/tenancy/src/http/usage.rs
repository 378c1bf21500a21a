//! What a tenant has used of what it has licensed.

use access::{Caller, usage::Metric};
use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use ids::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{
    PathIds, Problem, Texts, ValidQuery,
    problem::{self, FieldCode, Result},
};

use super::{license::enforcement, visit};
use crate::{
    App,
    domain::{
        license::{self, License},
        month::Month,
        terms::Enforcement,
        usage::Used,
    },
    permissions::UsageRead,
    store::{licenses, seats, tenants, usage},
};

/// The most months that one answer tells of.
const MOST_MONTHS: usize = 36;

/// Which months.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct UsageQuery {
    /// The first month; the last one unless named.
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2026-09")]
    from: Option<Month>,
    /// The last month; this one unless named.
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2026-11")]
    to: Option<Month>,
}

/// What a tenant has used.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "seats": {"taken": 12, "limit": 25},
    "months": [{"month": "2026-11", "metrics": [
        {"metric": "llm_tokens", "used": 1_700_000, "limit": 2_000_000, "enforcement": "hard", "percent": 85}
    ]}]
}))]
pub struct Usage {
    /// Seats now.
    pub seats: SeatUsage,
    /// The months asked for, oldest first.
    pub months: Vec<MonthUsage>,
}

/// Seats.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct SeatUsage {
    /// How many are taken: by people and invitations, never by API keys or disabled accounts.
    pub taken: i64,
    /// How many there are.
    pub limit: i32,
}

/// A month.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MonthUsage {
    /// Which, in UTC: `2026-11`.
    #[schema(value_type = String, example = "2026-11")]
    pub month: Month,
    /// Every metric.
    pub metrics: Vec<MetricUsage>,
}

/// A metric in a month.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct MetricUsage {
    /// Which.
    pub metric: Metric,
    /// How much: what was stored at the end of the month, or is now; of the rest what was used in it. Requests are counted in
    /// blocks of 100 that a process takes, so up to a block a process may not have been sent yet.
    pub used: i64,
    /// How much was allowed by the licence in force at the end of the month, or now; `null` where nothing was agreed.
    pub limit: Option<i64>,
    /// Whether more is refused, or counted and told.
    pub enforcement: Option<Enforcement>,
    /// How much of the limit that is, rounded down.
    pub percent: Option<i64>,
}

/// Reads what a tenant has used, month by month, and what it may: admins their own, staff any. What was told a moment ago is
/// in it.
#[utoipa::path(get, path = "/tenants/{id}/usage", responses((status = 200, description = "Seats, and each month with each metric.", body = Usage)))]
pub async fn get_usage(
    State(app): State<App>,
    caller: Caller<UsageRead>,
    PathIds(id): PathIds<TenantId>,
    ValidQuery(query): ValidQuery<UsageQuery>,
) -> Result<Json<Usage>> {
    let now = app.gate.clock().now();
    let last = query.to.unwrap_or(Month::of(now));
    let first = query.from.unwrap_or(last);
    let months: Vec<Month> = first.through(last).take(MOST_MONTHS + 1).collect();
    if months.is_empty() || months.len() > MOST_MONTHS {
        return Err(Problem::field("/from", outside()));
    }
    let mut tx = visit::begin(&app, &caller, id).await?;
    let row = tenants::find(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let present = licenses::list(&mut tx).await?;
    let taken = seats::count_taken(&mut tx).await?;
    let used = usage::used(&mut tx, last.first_day()).await?;
    visit::note_reading(&mut tx, &caller, id, "usage", now).await?;
    tx.commit().await?;
    let seated = license::in_force(&present, now).map(|license| license.content.seats);
    Ok(Json(Usage {
        seats: SeatUsage {
            taken,
            limit: seated.unwrap_or(row.max_users),
        },
        months: months
            .into_iter()
            .map(|month| told(month, &used, &present, now))
            .collect(),
    }))
}

fn outside() -> FieldCode {
    FieldCode::Rule(
        "bad_range",
        Texts {
            de: "nicht nach to, und höchstens 36 Monate",
            en: "not after to, and at most 36 months",
        },
    )
}

fn told(month: Month, used: &Used, licenses: &[License], now: DateTime<Utc>) -> MonthUsage {
    let at = now.min(month.end() - TimeDelta::microseconds(1));
    let content = license::in_force(licenses, at).map(|license| &license.content);
    let metric = |metric: &Metric| {
        let used = used.of(*metric, month);
        let limit = content.and_then(|content| content.limit(*metric));
        MetricUsage {
            metric: *metric,
            used,
            limit,
            enforcement: content
                .filter(|_| limit.is_some())
                .map(|content| enforcement(&content.soft, *metric)),
            percent: limit
                .filter(|limit| *limit > 0)
                .and_then(|limit| i64::try_from(i128::from(used) * 100 / i128::from(limit)).ok()),
        }
    };
    MonthUsage {
        month,
        metrics: Metric::ALL.iter().map(metric).collect(),
    }
}

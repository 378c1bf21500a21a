//! Counts usage: adds each event once to the sum of its month, however late it arrives.

use access::usage::Metric;
use chrono::Datelike;
use events::UnitOfWork;
use ids::TenantId;
use serde::Serialize;
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    domain::{
        license,
        month::Month,
        usage::{UsageTotals, threshold},
    },
    events::QuotaWarning,
    store::{licenses, usage},
};

/// How many events are counted in one transaction, to keep transactions short.
const BATCH_SIZE: i64 = 5_000;

/// The result of counting.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counted {
    events: i64,
    warnings: u64,
    /// Tenants that failed. The log has the reason, and the next run retries them.
    failed: u64,
}

/// The result of a recount.
#[derive(Debug, Default, Serialize)]
pub(super) struct Recounted {
    #[serde(rename = "put_right")]
    corrected: u64,
}

pub(super) async fn count_usage(app: &App, request: &RequestInfo) -> Result<Counted> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = usage::list_tenants_with_uncounted_events(&mut tx).await?;
    tx.commit().await?;
    let mut counted = Counted::default();
    for tenant in tenants {
        // The failure of one tenant must not affect others.
        if let Err(problem) = count_tenant(app, request, tenant, &mut counted).await {
            tracing::error!(%tenant, code = problem.kind().code, "cannot count usage");
            counted.failed += 1;
        }
    }
    Ok(counted)
}

async fn count_tenant(
    app: &App,
    request: &RequestInfo,
    tenant: TenantId,
    counted: &mut Counted,
) -> Result<()> {
    loop {
        let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
        usage::lock_counters(&mut unit).await?;
        let events = usage::count_events(&mut unit, BATCH_SIZE).await?;
        let warnings = warn(&mut unit).await?;
        unit.commit().await?;
        counted.events += events;
        counted.warnings += warnings;
        if events < BATCH_SIZE {
            return Ok(());
        }
    }
}

/// Publishes each threshold that the tenant has reached this month, once. If several are reached at the same time, only
/// the highest.
async fn warn(unit: &mut UnitOfWork) -> Result<u64> {
    let now = unit.now();
    let present = licenses::list_licenses(unit).await?;
    let Some(in_force) = license::in_force(&present, now) else {
        return Ok(0);
    };
    let month = Month::of(now);
    let first_day = month.first_day();
    let all: UsageTotals = usage::sum_usage(unit, first_day).await?;
    let mut warnings = 0;
    for metric in Metric::all() {
        let Some(limit) = in_force.terms.limit(metric) else {
            continue;
        };
        let used = all.total(metric, month);
        let Some(percent) = threshold(used, limit) else {
            continue;
        };
        if !usage::mark_warned(unit, metric, first_day, percent).await? {
            continue;
        }
        // Must increase with month and threshold.
        let version = i64::from(first_day.year()) * 100_000
            + i64::from(first_day.month()) * 1_000
            + i64::from(percent);
        let event = QuotaWarning {
            tenant_id: unit.tenant(),
            metric,
            month,
            threshold: percent,
            used,
            limit,
        };
        unit.publish(version, event).await?;
        metrics::counter!("quota_warnings_total", "metric" => metric.as_str()).increment(1);
        warnings += 1;
    }
    Ok(warnings)
}

pub(super) async fn recount_usage(app: &App, request: &RequestInfo) -> Result<Recounted> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = usage::list_tenants_with_events(&mut tx).await?;
    tx.commit().await?;
    let mut recounted = Recounted::default();
    for tenant in tenants {
        let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
        usage::lock_counters(&mut unit).await?;
        let wrong = usage::rebuild_counters(&mut unit).await?;
        unit.commit().await?;
        if wrong > 0 {
            tracing::error!(%tenant, wrong, "usage counters were wrong");
        }
        recounted.corrected += wrong;
    }
    Ok(recounted)
}

//! Counts usage: adds each event once to the sum of its month, however late it arrives.

use access::usage::{Metric, month_of};
use chrono::{DateTime, Datelike, Utc};
use db::{Actor, TenantTx};
use events::Announcement;
use ids::TenantId;
use serde::Serialize;
use serde_json::json;
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    domain::{
        license,
        month::Month,
        usage::{UsageTotals, threshold},
    },
    events::QUOTA_WARNING,
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
        let now = app.state.clock().now();
        let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
        usage::lock_counters(&mut tx).await?;
        let events = usage::count_events(&mut tx, BATCH_SIZE, now).await?;
        let warnings = warn(&mut tx, request, now).await?;
        tx.commit().await?;
        counted.events += events;
        counted.warnings += warnings;
        if events < BATCH_SIZE {
            return Ok(());
        }
    }
}

/// Publishes each threshold that the tenant has reached this month, once. If several are reached at the same time, only
/// the highest.
async fn warn(tx: &mut TenantTx, request: &RequestInfo, now: DateTime<Utc>) -> Result<u64> {
    let present = licenses::list_licenses(tx).await?;
    let Some(in_force) = license::in_force(&present, now) else {
        return Ok(0);
    };
    let month = month_of(now);
    let all: UsageTotals = usage::sum_usage(tx, month).await?;
    let mut warnings = 0;
    for metric in Metric::ALL {
        let Some(limit) = in_force.terms.limit(*metric) else {
            continue;
        };
        let used = all.total(*metric, Month::beginning(month));
        let Some(percent) = threshold(used, limit) else {
            continue;
        };
        if !usage::mark_warned(tx, *metric, month, percent, now).await? {
            continue;
        }
        let tenant = tx.tenant();
        let announcement = Announcement {
            kind: &QUOTA_WARNING,
            subject: format!("usage/{metric}"),
            // Must increase with month and threshold.
            version: i64::from(month.year()) * 100_000
                + i64::from(month.month()) * 1_000
                + i64::from(percent),
            data: json!({
                "tenant_id": tenant, "metric": metric, "month": Month::beginning(month),
                "threshold": percent, "used": used, "limit": limit,
            }),
            sealed: None,
        };
        events::announce(tx, request, now, announcement).await?;
        metrics::counter!("quota_warnings_total", "metric" => metric.as_str()).increment(1);
        warnings += 1;
    }
    Ok(warnings)
}

pub(super) async fn recount_usage(app: &App) -> Result<Recounted> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = usage::list_tenants_with_events(&mut tx).await?;
    tx.commit().await?;
    let mut recounted = Recounted::default();
    for tenant in tenants {
        let now = app.state.clock().now();
        let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
        usage::lock_counters(&mut tx).await?;
        let wrong = usage::rebuild_counters(&mut tx, now).await?;
        tx.commit().await?;
        if wrong > 0 {
            tracing::error!(%tenant, wrong, "usage counters were wrong");
        }
        recounted.corrected += wrong;
    }
    Ok(recounted)
}

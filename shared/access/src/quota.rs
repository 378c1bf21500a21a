//! Quotas of metrics. They are exact, because a reservation updates the counter in the same transaction.

use chrono::{DateTime, Utc};
use db::{Actor, Db, Result, TenantTx};
use http::header;
use ids::{EventId, TenantId};
use web::Problem;

use crate::{
    Tenant, problems,
    usage::{self, API_REQUESTS, Allowance, Metric, UsageRecord},
};

/// Maximum number of requests that a process leases at once. Unused ones are lost when it ends.
const MAX_LEASE: i64 = 100;
/// Near the limit a lease is at most a tenth of the rest, so that few requests stay unused in one process while another has
/// none.
const LEASE_DIVISOR: i64 = 10;

/// Reserves `amount` (0 or more) of the tenant's quota in the caller's transaction, or fails with `429`. The row lock of the
/// counter guarantees that concurrent reservations never exceed the limit.
///
/// Without an allowance nothing is counted; a soft limit is counted but never exceeded.
pub async fn reserve(
    tx: &mut TenantTx,
    tenant: &Tenant,
    metric: Metric,
    amount: i64,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let Some(allowance) = tenant.allowance(metric) else {
        return Ok(());
    };
    let limit = bound(allowance);
    let amount = amount.max(0);
    if amount <= limit && increment(tx, metric, amount, limit, now).await? {
        Ok(())
    } else {
        Err(exceeded(metric, allowance.limit, now))
    }
}

/// Releases an unused reservation, or a level that no longer exists.
pub async fn release(
    tx: &mut TenantTx,
    metric: Metric,
    amount: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.quota_counters
        set used = greatest(used - $4, 0), updated_at = $5
        where tenant_id = $1 and metric = $2 and period = $3",
        tenant as _,
        metric.as_str(),
        metric.period(now),
        amount.max(0),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn increment(
    tx: &mut TenantTx,
    metric: Metric,
    amount: i64,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let tenant = tx.tenant();
    let incremented = sqlx::query!(
        "insert into access.quota_counters as c (tenant_id, metric, period, used, updated_at)
        values ($1, $2, $3, $4, $5)
        on conflict on constraint quota_counters_pkey do update
        set used = c.used + excluded.used, updated_at = excluded.updated_at
        where c.used <= $6 - excluded.used",
        tenant as _,
        metric.as_str(),
        metric.period(now),
        amount,
        now,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(incremented.rows_affected() == 1)
}

/// Leases a block of requests for this process, and records them as used. Smaller near the limit, zero at the limit.
pub(crate) async fn lease(
    db: &Db,
    tenant: TenantId,
    allowance: Allowance,
    now: DateTime<Utc>,
) -> Result<u32> {
    let metric = API_REQUESTS;
    let period = metric.period(now);
    let mut tx = db.begin(tenant, Actor::SYSTEM, now).await?;
    // Creates and locks the row; other processes wait for this lease.
    let used = sqlx::query_scalar!(
        "insert into access.quota_counters as c (tenant_id, metric, period, used, updated_at)
        values ($1, $2, $3, 0, $4)
        on conflict on constraint quota_counters_pkey do update
        set updated_at = excluded.updated_at
        returning used",
        tenant as _,
        metric.as_str(),
        period,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    let left = bound(allowance).saturating_sub(used).max(0);
    let block = (left / LEASE_DIVISOR).clamp(left.min(1), MAX_LEASE);
    if block > 0 {
        sqlx::query!(
            "update access.quota_counters
            set used = used + $4
            where tenant_id = $1 and metric = $2 and period = $3",
            tenant as _,
            metric.as_str(),
            period,
            block,
        )
        .execute(tx.conn())
        .await?;
        let used = UsageRecord {
            metric,
            quantity: block,
            source: "access",
            source_id: &EventId::at(now).to_string(),
            subject: None,
            at: now,
        };
        usage::record(&mut tx, used).await?;
    }
    tx.commit().await?;
    let outcome = if block > 0 { "granted" } else { "refused" };
    metrics::counter!("quota_leases_total", "became" => outcome).increment(1);
    Ok(u32::try_from(block).unwrap_or_default())
}

/// The effective limit; unlimited for a soft limit.
fn bound(allowance: Allowance) -> i64 {
    if allowance.hard {
        allowance.limit
    } else {
        i64::MAX
    }
}

/// The `429` problem; with the end of the month unless the metric is a level.
pub fn exceeded(metric: Metric, limit: i64, now: DateTime<Utc>) -> Problem {
    let problem = problems::QUOTA_EXCEEDED
        .problem()
        .argument("metric", metric)
        .argument("limit", limit)
        .member("metric", metric.as_str())
        .member("limit", limit);
    if metric.is_level() {
        return problem.member("period_end", serde_json::Value::Null);
    }
    let end = usage::end_of_month(usage::month_of(now));
    problem
        .member(
            "period_end",
            end.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        )
        .header(header::RETRY_AFTER, (end - now).num_seconds().max(1))
}
